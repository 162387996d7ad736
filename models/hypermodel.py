"""The search space as KerasTuner wants it: hyperparameters in, compiled Keras model out."""

from __future__ import annotations

from typing import Any

import keras
import keras_tuner

from models import optimization, space
from models.adjustable import set_dropout
from models.errors import ModelError
from models.families import transfer
from models.families.head import Dropout, plain_dropout
from models.families.registry import BASELINES, FAMILIES, MIN_IMAGE_SIZE, declare_family
from models.pretrained.backbones import BACKBONES


class ImageClassifier(keras_tuner.HyperModel):
    """Image classifiers of one or several families.

    Args:
        families: Names out of `FAMILIES`; the first is the default.
        backbones: Names out of `BACKBONES`, for the family "transfer".
        image_size: (height, width) in pixels.
        num_classes: Two or more.
        compact: Narrower and smaller choices, for machines without a GPU.
        weights: Of the backbones: "imagenet", the path of a file, or None (from scratch).

    Raises:
        ModelError: A name is unknown, or `image_size` too small for a family or backbone.
    """

    def __init__(
        self,
        *,
        families: tuple[str, ...],
        backbones: tuple[str, ...] = (),
        image_size: tuple[int, int],
        num_classes: int,
        compact: bool,
        weights: str | None = "imagenet",
    ) -> None:
        super().__init__(name="image_classifier", tunable=True)
        _check(families, backbones, image_size)
        self.families = families
        self.backbones = backbones
        self.image_size = image_size
        self.num_classes = num_classes
        self.compact = compact
        self.weights = weights

    def declare_hyperparameters(self, hp: keras_tuner.HyperParameters) -> None:
        """Declare the whole space, every scope of it, without building a model."""
        hp.Choice("family", list(self.families))
        for family in self.families:
            with hp.conditional_scope("family", [family]):
                declare_family(
                    hp,
                    family,
                    image_size=self.image_size,
                    backbones=self.backbones,
                    compact=self.compact,
                    weights=self.weights,
                )
        space.declare_training(hp, compact=self.compact)
        space.declare_augmentation(hp, compact=self.compact)

    def build(
        self, hp: keras_tuner.HyperParameters, *, dropout: Dropout = plain_dropout
    ) -> keras.Model:
        """The uncompiled model: images [b, h, w, 3] uint8 or float 0-255 -> probabilities.

        Probabilities are float32, [b, 1] (sigmoid) for two classes and [b, k] (softmax) for
        more. Weights are drawn from Keras's global seed: call `keras.utils.set_random_seed`
        before, and two builds are equal.

        Args:
            hp: The configuration.
            dropout: `adjustable_dropout` for a model that `adjust` will be called on.
        """
        self.declare_hyperparameters(hp)
        return FAMILIES[hp.get("family")](
            hp,
            image_size=self.image_size,
            num_classes=self.num_classes,
            weights=self.weights,
            dropout=dropout,
        )

    def has_fixed_features(self, hp: keras_tuner.HyperParameters) -> bool:
        """Whether only a head is trained, on features that never change."""
        frozen = self.weights is not None and transfer.unfrozen_part(hp) == 0
        return hp.get("family") == "transfer" and frozen

    def build_extractor(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """The frozen part of a transfer model: images 0-255 -> features [b, num_features].

        Raises:
            ModelError: There are no weights to freeze.
        """
        if self.weights is None:
            raise ModelError("without pretrained weights nothing is frozen; give weights")
        return transfer.build_extractor(hp, image_size=self.image_size, weights=self.weights)

    def build_head(
        self, hp: keras_tuner.HyperParameters, *, num_features: int, dropout: Dropout
    ) -> keras.Model:
        """The other part, uncompiled: features [b, num_features] -> probabilities."""
        return transfer.build_head(
            hp, num_features=num_features, num_classes=self.num_classes, dropout=dropout
        )

    def phase_starts(self, hp: keras_tuner.HyperParameters) -> tuple[int, ...]:
        """Epochs at which another part of the model becomes trainable, 0 first."""
        warmup = transfer.warmup_epochs(hp)
        return (0, warmup) if warmup else (0,)

    def compile(
        self,
        model: keras.Model,
        hp: keras_tuner.HyperParameters,
        *,
        phase: int,
        steps_per_epoch: int,
        max_epochs: int,
        steps_per_execution: int = 1,
    ) -> None:
        """Set what is trainable in `phase` and compile `model` for it, with a new optimizer.

        Args:
            model: What `build` or `build_head` returned for the same `hp`.
            hp: The configuration.
            phase: Index into `phase_starts`.
            steps_per_epoch: Batches an epoch.
            max_epochs: The largest budget of the search: the schedule's horizon.
            steps_per_execution: Batches trained in one call; worth it where a step takes less
                time than the Python around it.
        """
        if hp.get("family") == "transfer" and not transfer.is_head(model) and self.weights:
            last = phase == len(self.phase_starts(hp)) - 1
            transfer.unfreeze(model, transfer.unfrozen_part(hp) if last else 0.0)
        numbers = self._schedule_numbers(hp, phase, steps_per_epoch, max_epochs)
        model.compile(
            optimizer=optimization.optimizer(hp, optimization.Schedule(**numbers)),
            loss=optimization.CrossEntropy(self.num_classes, hp.get("label_smoothing")),
            metrics=[optimization.accuracy(num_classes=self.num_classes)],
            steps_per_execution=steps_per_execution,
            jit_compile=_jit_compile(),
        )
        # A step that makes variables is traced twice; with these made before it is once.
        model.optimizer.build(model.trainable_variables)

    def adjust(
        self,
        model: keras.Model,
        hp: keras_tuner.HyperParameters,
        *,
        steps_per_epoch: int,
        max_epochs: int,
    ) -> None:
        """Give a compiled model of one phase the numbers of another configuration.

        Both must have the same values `space.traced_values`, and `model` adjustable dropout.
        """
        numbers = self._schedule_numbers(hp, 0, steps_per_epoch, max_epochs)
        optimization.adjust(model.optimizer, hp, numbers)
        model.loss.label_smoothing.assign(hp.get("label_smoothing"))
        set_dropout(model, hp)

    def _schedule_numbers(
        self, hp: keras_tuner.HyperParameters, phase: int, steps_per_epoch: int, max_epochs: int
    ) -> dict[str, float]:
        return optimization.schedule_numbers(
            hp,
            total_steps=steps_per_epoch * max_epochs,
            first_step=steps_per_epoch * self.phase_starts(hp)[phase],
            scale=hp.get("transfer/fine_tune_rate") if phase else 1.0,
        )


def baseline_values(hypermodel: ImageClassifier) -> list[dict[str, Any]]:
    """The known-good configurations of its families, the soonest good first.

    Each has a value for every hyperparameter that is active in it.
    """
    families = [family for family in FAMILIES if family in hypermodel.families]
    return [
        _completed(hypermodel, {"family": family, **values})
        for family in families
        for values in BASELINES[family]
    ]


def default_values(hypermodel: ImageClassifier, family: str) -> dict[str, Any]:
    """The first known-good configuration of `family`."""
    return _completed(hypermodel, {"family": family, **BASELINES[family][0]})


def _completed(hypermodel: ImageClassifier, values: dict[str, Any]) -> dict[str, Any]:
    hp = keras_tuner.HyperParameters()
    hp.values.update(values)
    hypermodel.declare_hyperparameters(hp)
    return dict(hp.values)


def _check(
    families: tuple[str, ...], backbones: tuple[str, ...], image_size: tuple[int, int]
) -> None:
    _check_names("family", families, tuple(FAMILIES))
    least = {f"family {family}": MIN_IMAGE_SIZE[family] for family in families}
    if "transfer" in families:
        _check_names("backbone", backbones, tuple(BACKBONES))
        least |= {f"backbone {name}": BACKBONES[name].min_size for name in backbones}
    height, width = image_size
    for what, pixels in least.items():
        if min(image_size) < pixels:
            raise ModelError(
                f"image_size: received {height}x{width}, but {what} needs at least "
                f"{pixels}x{pixels}; raise --image-size or leave it out"
            )


def _check_names(kind: str, received: tuple[str, ...], known: tuple[str, ...]) -> None:
    unknown = [name for name in received if name not in known]
    if unknown or not received:
        raise ModelError(
            f"{kind}: received {', '.join(unknown) or 'none'}, expected one or more of "
            f"{', '.join(known)}"
        )


def _jit_compile() -> bool | str:
    # XLA is several times slower than oneDNN on a CPU; on a GPU Keras's own choice is good.
    import tensorflow as tf

    return "auto" if tf.config.list_physical_devices("GPU") else False
