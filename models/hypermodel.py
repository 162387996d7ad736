"""The search space as KerasTuner wants it: hyperparameters in, compiled Keras model out."""

from __future__ import annotations

from typing import Any

import keras
import keras_tuner

from models import optimization, space, transfer
from models.backbones import BACKBONES
from models.errors import ModelError
from models.families import FAMILIES, KNOWN_GOOD, MIN_IMAGE_SIZE, declare_family


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

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """The uncompiled model: images [b, h, w, 3] uint8 or float 0-255 -> probabilities.

        Probabilities are float32, [b, 1] (sigmoid) for two classes and [b, k] (softmax) for
        more. Weights are drawn from Keras's global seed: call `keras.utils.set_random_seed`
        before, and two builds are equal.
        """
        self.declare_hyperparameters(hp)
        return FAMILIES[hp.get("family")](
            hp, image_size=self.image_size, num_classes=self.num_classes, weights=self.weights
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
    ) -> None:
        """Set what is trainable in `phase` and compile `model` for it, with a new optimizer.

        Args:
            model: What `build` returned for the same `hp`.
            hp: The configuration.
            phase: Index into `phase_starts`.
            steps_per_epoch: Batches an epoch.
            max_epochs: The largest budget of the search: the schedule's horizon.
        """
        starts = self.phase_starts(hp)
        if hp.get("family") == "transfer" and self.weights is not None:
            last = phase == len(starts) - 1
            transfer.unfreeze(model, transfer.unfrozen_part(hp) if last else 0.0)
        rate = optimization.learning_rate(
            hp,
            total_steps=steps_per_epoch * max_epochs,
            first_step=steps_per_epoch * starts[phase],
            scale=hp.get("transfer/fine_tune_rate") if phase else 1.0,
        )
        model.compile(
            optimizer=optimization.optimizer(hp, rate),
            loss=optimization.loss(hp, num_classes=self.num_classes),
            metrics=[optimization.accuracy(num_classes=self.num_classes)],
            jit_compile=_jit_compile(),
        )


def default_values(hypermodel: ImageClassifier, family: str) -> dict[str, Any]:
    """The known-good configuration of `family`: a value for every active hyperparameter."""
    hp = keras_tuner.HyperParameters()
    hp.values.update({"family": family, **KNOWN_GOOD.get(family, {})})
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
