"""Train one configuration over a range of epochs; used by trials and by the final retraining."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import keras_tuner
import numpy as np
from numpy.typing import NDArray

from data_pipeline.augment.augment import augmenter
from data_pipeline.pixels.dataset import steps_per_epoch, training_batches
from data_pipeline.pixels.device_feed import DeviceFeed
from data_pipeline.pixels.image_rows import ImageRows
from models.families.head import Dropout, plain_dropout, set_last_layer
from models.families.linear_probe import LastLayer
from models.families.registry import family_named
from models.hypermodel import with_values
from models.space import traced_values
from models.xla import can_be_compiled
from search.run_folder.records import Values
from search.trial.checkpoint import TrainingState, restore_optimizer, restore_weights
from search.trial.experiment import Experiment
from search.trial.keras_setup import seed_weights
from search.trial.predictions import Told, nobody, predict_rows

# Images, each counted in each epoch. On an H200, at 180 pixels, XLA took 8 s (cnn) and 26 s
# (xception) and halved the time of an image, by 0.2 and 0.4 ms. Most trainings end early.
XLA_PAYS = 500_000
LONGEST_GPU_EXECUTION = 16  # steps between two chances to report and to stop; up to 0.1 s each


@dataclass(frozen=True)
class Training:
    """One configuration, ready to be trained.

    Attributes:
        rows: int64 row numbers of the images to train on.
        seed: of the initial weights, dropout, order and augmentation.
        start: gives the weights that the last layer starts from; None for random ones.
        feed: makes the batches on the GPU that trains on them; None where `tf.data` makes them.
    """

    experiment: Experiment
    values: Values
    rows: NDArray[np.int64]
    seed: int
    start: Callable[[], LastLayer] | None = field(default=None, kw_only=True)
    feed: DeviceFeed | None = field(default=None, kw_only=True)

    def hyperparameters(self) -> keras_tuner.HyperParameters:
        """The values in the form in which a hypermodel reads them."""
        return with_values(self.values)

    @property
    def batch_size(self) -> int:
        """Images per step; where there are fewer, the next multiple of 8.

        A training step of 31 images corrupts memory in TensorFlow 2.21 with oneDNN.
        """
        return min(int(self.values["batch_size"]), -(-len(self.rows) // 8) * 8)

    @property
    def steps(self) -> int:
        """Steps per epoch."""
        return steps_per_epoch(len(self.rows), self.batch_size)

    @property
    def architecture(self) -> Hashable | None:
        """A key: trainings with the same one can share a compiled model. None where none can.

        Two phases are compiled one after the other; and the loss scale of float16 is a state
        that another training would inherit.
        """
        hp = self.hyperparameters()
        one_phase = len(self.experiment.classifier.phase_starts(hp)) == 1
        if not one_phase or self.experiment.config.precision == "mixed_float16":
            return None
        family = family_named(str(self.values["family"]))
        traced = traced_values(self.values, variable_rates=family.variable_rates)
        return (*traced, self.batch_size, self.input_dtype)

    @property
    def input_dtype(self) -> str:
        """Number type of the batches."""
        return "uint8" if self.feed is None and self.augment() is None else "float32"

    def build(self, *, dropout: Dropout = plain_dropout) -> Any:
        """A new model; the same seed gives the same initial weights."""
        start = self.start and self.start()
        # Right before the build: whatever draws in between would change the weights.
        seed_weights(self.seed)
        model = self.experiment.classifier.build(self.hyperparameters(), dropout=dropout)
        if start:
            set_last_layer(model, *start)
        return model

    @property
    def solved(self) -> bool:
        """Whether a solver fits the model, for which no seed makes a difference."""
        return family_named(str(self.values["family"])).solved

    def compile(self, model: Any, phase: int = 0) -> None:
        """Compile for one phase, with a new optimizer."""
        self.experiment.classifier.compile(
            model,
            self.hyperparameters(),
            phase=phase,
            steps_per_epoch=self.steps,
            max_epochs=self.experiment.config.max_epochs,
            steps_per_execution=self.steps_per_execution,
        )
        if self.feed is not None:
            self.feed.into(model, xla=self.xla_pays and can_be_compiled(model))

    def adjust(self, model: Any) -> None:
        """Give a compiled model of the same architecture the numbers of this configuration."""
        self.experiment.classifier.adjust(
            model,
            self.hyperparameters(),
            steps_per_epoch=self.steps,
            max_epochs=self.experiment.config.max_epochs,
        )

    @property
    def xla_pays(self) -> bool:
        """Whether a training on a GPU gets back the time that XLA takes to compile its step."""
        config = self.experiment.config
        # Of two equal trainings by XLA, the sums may be in another order.
        return not config.deterministic and len(self.rows) * config.max_epochs >= XLA_PAYS

    @property
    def steps_per_execution(self) -> int:
        """Steps in one call: 1 on a processor, where a step takes longer than Python around it.

        On a GPU as many as divide an epoch.
        """
        return 1 if self.feed is None else self.dividing_an_epoch(LONGEST_GPU_EXECUTION)

    def dividing_an_epoch(self, limit: int) -> int:
        """The largest number of steps, up to a limit, by which those of an epoch can be divided."""
        return max(n for n in range(1, limit + 1) if self.steps % n == 0)

    def fit(
        self,
        model: Any,
        *,
        initial_epoch: int,
        epochs: int,
        state: TrainingState | None = None,
        callbacks: list[Any],
    ) -> None:
        """Train epochs [initial_epoch, epochs), going on from `state` where there is one.

        A transfer head whose backbone is unfrozen later is trained in phases; each is compiled
        anew, so a state's optimizer is only restored within the phase that it was saved in. A
        model of one phase that comes compiled is trained as it is.
        """
        if state is not None:
            restore_weights(model, state)
        hp = self.hyperparameters()
        starts = self.experiment.classifier.phase_starts(hp)
        for phase, (start, stop) in phase_ranges(starts, initial_epoch, epochs):
            if not (model.compiled and len(starts) == 1):
                self.compile(model, phase)
            # After compiling, which makes a new optimizer.
            if state is not None and state.phase == phase and state.epoch == start:
                restore_optimizer(model, state)
                # A batch that was halved for memory in between has made the steps of an epoch more.
                # Else they are as they were: an optimizer that scales the loss leaves some out.
                if state.steps != self.steps:
                    model.optimizer.iterations.assign((start - starts[phase]) * self.steps)
            for callback in callbacks:
                callback.phase = phase
            with self.experiment.originals.naming_lost_files():
                model.fit(
                    self.stream(start, stop),
                    initial_epoch=start,
                    epochs=stop,
                    steps_per_epoch=self.steps,
                    callbacks=callbacks,
                    shuffle=False,  # the stream is shuffled already
                    verbose=0,
                )
            if model.stop_training:
                return

    @property
    def inputs(self) -> ImageRows:
        """The model's inputs, one row per image of the run."""
        return self.experiment.pixels

    def stream(self, initial_epoch: int, epochs: int) -> Any:
        """What the model is trained on in these epochs: their batches, or what `feed` makes of."""
        if self.feed is None:
            return self.batches(initial_epoch, epochs)
        return self.feed.stream(
            self.rows,
            batch_size=self.batch_size,
            seed=self.seed,
            initial_epoch=initial_epoch,
            epochs=epochs,
            augmentation=self.augmentation,
        )

    def batches(self, initial_epoch: int, epochs: int) -> Any:
        """Training batches of these epochs as one `tf.data.Dataset`."""
        return training_batches(
            self.inputs,
            self.experiment.targets,
            self.rows,
            num_classes=self.experiment.num_classes,
            batch_size=self.batch_size,
            seed=self.seed,
            initial_epoch=initial_epoch,
            epochs=epochs,
            augment=self.augment(),
        )

    @property
    def augmentation(self) -> dict[str, Any] | None:
        """What `augmenter` takes; None where a solver fits the model, to plain images."""
        if self.solved:
            return None
        return {
            "policy": str(self.values["augmentation/policy"]),
            "strength": float(self.values["augmentation/strength"]),
            "erasing": float(self.values["augmentation/erasing"]),
            "mix": str(self.values["augmentation/mix"]),
        }

    def augment(self) -> Any:
        """What is done to each batch of images; None for nothing."""
        return self.augmentation and augmenter(**self.augmentation)

    def validate(self, model: Any, told: Told = nobody) -> NDArray[np.float32]:
        """Class probabilities of the images to validate on, float32 [n, classes].

        Args:
            model: what was trained.
            told: called now and then: images that are not prepared take long to decode.
        """
        return predict_rows(model, self.experiment.pixels, self.experiment.validation, told)

    def cross_validated(self) -> float | None:
        """The objective on more images than those to validate on; None where it is not known."""
        return None

    def whole(self, model: Any) -> Any:
        """The model that takes images, of the one that was trained: here the same."""
        return model

    def parameters(self, model: Any) -> int:
        """Number of weights, a frozen backbone's among them."""
        return int(model.count_params())


def phase_ranges(
    starts: tuple[int, ...], initial_epoch: int, epochs: int
) -> list[tuple[int, tuple[int, int]]]:
    """Cut [initial_epoch, epochs) at the starts of phases: [(phase, (start, stop)), …]."""
    stops = (*starts[1:], max(epochs, starts[-1]))
    cut = [
        (phase, (max(start, initial_epoch), min(stop, epochs)))
        for phase, (start, stop) in enumerate(zip(starts, stops, strict=True))
    ]
    return [(phase, (start, stop)) for phase, (start, stop) in cut if start < stop]
