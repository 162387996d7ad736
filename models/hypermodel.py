"""Build, compile and adjust models of all families, as a KerasTuner hypermodel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import keras_tuner

from models import loss, optimization, space
from models.adjustable import set_dropout
from models.errors import ModelError
from models.families.backbone import enlarged
from models.families.checks import check
from models.families.family import Family, FixedFeatures, ModelOptions
from models.families.head import Dropout, plain_dropout
from models.families.registry import family_named, searched
from models.xla import without_xla


class ImageClassifier(keras_tuner.HyperModel):
    """Image classifiers of one or several families.

    Args:
        families: Names out of `FAMILIES`; the first is the default.
        backbones: Names out of `BACKBONES`, for families that stand on pretrained networks.
        image_size: (height, width) in pixels.
        num_classes: Two or more.
        compact: Narrower and smaller choices, for machines without a GPU.
        weights: Of the backbones: "imagenet", the path of a file, or None (from scratch).
        backbone_sizes: See `ModelOptions`; by default `image_size` and enlarged ones.
        largest_side: See `ModelOptions`; that of `image_size` without `backbone_sizes`.
        class_counts: See `ModelOptions`.

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
        backbone_sizes: tuple[int, ...] = (),
        largest_side: int | None = None,
        class_counts: tuple[int, ...] = (),
    ) -> None:
        super().__init__(name="image_classifier", tunable=True)
        check(families, backbones, image_size)
        self.families = families
        self.options = ModelOptions(
            image_size=image_size,
            num_classes=num_classes,
            compact=compact,
            backbones=backbones,
            weights=weights,
            backbone_sizes=backbone_sizes or enlarged(image_size),
            largest_side=largest_side if backbone_sizes else max(image_size),
            class_counts=class_counts,
        )

    def declare_hyperparameters(self, hp: keras_tuner.HyperParameters) -> None:
        """Declare the whole space, every scope of it, without building a model."""
        self._declare(hp, self.families)

    def declare_search(self, hp: keras_tuner.HyperParameters) -> None:
        """Declare what a search draws from: all families but those that are solved."""
        self._declare(hp, searched(self.families))

    def _declare(self, hp: keras_tuner.HyperParameters, families: tuple[str, ...]) -> None:
        if not families:  # nothing is drawn where all are solved
            return
        hp.Choice("family", list(families))
        for family in families:
            with hp.conditional_scope("family", [family]):
                family_named(family).declare(hp, self.options)
        weights = tuple(loss.CLASS_WEIGHTS) if self.options.class_counts else ()
        space.declare_training(hp, compact=self.options.compact, class_weights=weights)
        space.declare_augmentation(hp, compact=self.options.compact)

    def image_size_of(self, values: Mapping[str, Any]) -> tuple[int, int]:
        """Return (height, width) in pixels of the prepared images that a configuration takes."""
        return family_named(values["family"]).image_size(values, self.options)

    def build(
        self, hp: keras_tuner.HyperParameters, *, dropout: Dropout = plain_dropout
    ) -> keras.Model:
        """Build the uncompiled model: images [b, h, w, 3] uint8 or float 0-255 -> probabilities.

        Probabilities are float32, [b, 1] (sigmoid) for two classes and [b, k] (softmax) for
        more. Weights are drawn from Keras's global seed: call `keras.utils.set_random_seed`
        before, and two builds are equal.

        Args:
            hp: The configuration.
            dropout: `adjustable_dropout` for a model that `adjust` will be called on.
        """
        # `hp` may hold only some values: declaring them all fills in the defaults of the others.
        self.declare_hyperparameters(hp)
        return without_xla(_family(hp).build(hp, self.options, dropout=dropout))

    def has_fixed_features(self, hp: keras_tuner.HyperParameters) -> bool:
        """Tell whether only a head is trained, on features that never change."""
        features = _family(hp).features
        return features is not None and features.are_fixed(hp, self.options)

    def features_key(self, hp: keras_tuner.HyperParameters) -> tuple[str, ...]:
        """Return names that identify the fixed features of this configuration."""
        return _features(hp).key(hp, self.options)

    def features_parts(self, hp: keras_tuner.HyperParameters) -> list[keras_tuner.HyperParameters]:
        """Return the configurations whose features, side by side, are those of this one."""
        return [with_values(part) for part in _features(hp).parts(hp.values)]

    def build_extractor(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Build the frozen part of a model: images 0-255 -> features [b, *shape].

        Raises:
            ModelError: Nothing of this model is frozen.
        """
        return without_xla(_features(hp).build_extractor(hp, self.options))

    def build_rest(
        self, hp: keras_tuner.HyperParameters, *, shape: tuple[int, ...], dropout: Dropout
    ) -> keras.Model:
        """Build the other part, uncompiled: features [b, *shape] -> probabilities."""
        return without_xla(_features(hp).build_rest(hp, self.options, shape, dropout=dropout))

    def assembled(self, hp: keras_tuner.HyperParameters, rest: keras.Model) -> keras.Model:
        """Build the whole model with the weights of a trained `build_rest`."""
        whole = self.build(hp)
        _features(hp).set_rest(whole, rest)
        return whole

    def phase_starts(self, hp: keras_tuner.HyperParameters) -> tuple[int, ...]:
        """Return the epochs at which another part of the model becomes trainable, 0 first."""
        return _family(hp).phases.starts(hp)

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
            model: What `build` or `build_rest` returned for the same `hp`.
            hp: The configuration.
            phase: Index into `phase_starts`.
            steps_per_epoch: Batches per epoch.
            max_epochs: The largest budget of the search: the schedule's horizon.
            steps_per_execution: Batches trained in one call; worth it where a step takes less
                time than the Python around it.
        """
        # Before `compile`: Keras takes over a change of what is trainable only when it compiles.
        _family(hp).phases.set_trainable(model, hp, self.options, phase)
        numbers = self._schedule_numbers(hp, phase, steps_per_epoch, max_epochs)
        model.compile(
            optimizer=optimization.optimizer(
                hp, optimization.Schedule(**numbers), _rate_factors(model, hp)
            ),
            loss=loss.CrossEntropy(
                self.options.num_classes,
                hp.get("label_smoothing"),
                loss.class_weights(hp, self.options.class_counts),
            ),
            metrics=[loss.accuracy(num_classes=self.options.num_classes)],
            steps_per_execution=steps_per_execution,
            # XLA: several times slower than oneDNN on a processor. On a GPU it takes up to a minute
            # to compile a step, which trials of a few minutes do not get back.
            jit_compile=False,
        )
        # A training step that creates variables is traced twice. The optimizer creates its own
        # here, before the first step, so that it is traced once.
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
        if self.options.class_counts:
            weights = loss.class_weights(hp, self.options.class_counts)
            model.loss.class_weights.assign(weights)
        set_dropout(model, hp)

    def _schedule_numbers(
        self, hp: keras_tuner.HyperParameters, phase: int, steps_per_epoch: int, max_epochs: int
    ) -> dict[str, float]:
        return optimization.schedule_numbers(
            hp,
            total_steps=steps_per_epoch * max_epochs,
            first_step=steps_per_epoch * self.phase_starts(hp)[phase],
            scale=_family(hp).phases.rate(hp, phase),
        )


def with_values(values: Mapping[str, Any]) -> keras_tuner.HyperParameters:
    """Give the values of a configuration in the form in which a hypermodel reads them."""
    hp = keras_tuner.HyperParameters()
    hp.values = dict(values)
    return hp


def _family(hp: keras_tuner.HyperParameters) -> Family:
    return family_named(hp.get("family"))


def _features(hp: keras_tuner.HyperParameters) -> FixedFeatures:
    family = _family(hp)
    if family.features is None:
        raise ModelError(f"family {family.name}: it has no part that training never changes")
    return family.features


def _rate_factors(model: keras.Model, hp: keras_tuner.HyperParameters) -> dict[Any, float]:
    """Return the factors of the learning rate by the reference of TensorFlow's variable."""
    factors = _family(hp).rate_factors(model, hp)
    return {
        variable.value.ref(): factors[variable.path]
        for variable in model.trainable_variables
        if variable.path in factors
    }
