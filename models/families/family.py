"""Define what a family of models is: how it is declared, built, trained and described."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class ModelOptions:
    """What all models of one search share.

    Attributes:
        image_size: (height, width) in pixels of the images that models are trained on from
            scratch; those of backbones have its aspect.
        num_classes: Two or more.
        compact: Narrower and smaller choices, for machines without a GPU.
        backbones: Names out of `models.pretrained.backbones.BACKBONES` to choose from.
        weights: Of the backbones: "imagenet", the path of a file, or None (from scratch).
        backbone_sizes: Longer sides in pixels at which backbones may see images, ascending; by
            default those that `models.families.backbone.enlarged` allows.
        largest_side: Longer side in pixels of the largest prepared images: a backbone that sees
            larger ones enlarges them itself. None for no limit.
        class_counts: Images of each class, where they are so unequal that images of rare classes
            may count more; () elsewhere.
    """

    image_size: tuple[int, int]
    num_classes: int
    compact: bool
    backbones: tuple[str, ...] = ()
    weights: str | None = None
    backbone_sizes: tuple[int, ...] = ()
    largest_side: int | None = None
    class_counts: tuple[int, ...] = ()

    def scaled(self, side: int) -> tuple[int, int]:
        """Return (height, width) of the aspect of `image_size` whose longer side is `side`."""
        height, width = self.image_size
        longer = max(height, width)
        return round(height * side / longer), round(width * side / longer)

    def prepared_size(self, side: int) -> tuple[int, int]:
        """Return (height, width) of the prepared images for a backbone that sees `side`."""
        return self.scaled(min(side, self.largest_side or side))


@dataclass(frozen=True)
class Phases:
    """How a family is trained in parts, one after the other.

    Attributes:
        starts: From hyperparameters to the epochs at which another part of the model becomes
            trainable, 0 first.
        set_trainable: Sets what is trained in a phase, given (model, hyperparameters, options,
            phase); called before each compilation.
        rate: From (hyperparameters, phase) to the factor of the learning rate.
    """

    starts: Callable[[Any], tuple[int, ...]] = lambda hp: (0,)
    set_trainable: Callable[[keras.Model, Any, ModelOptions, int], None] = (
        lambda model, hp, options, phase: None
    )
    rate: Callable[[Any, int], float] = lambda hp, phase: 1.0


@dataclass(frozen=True)
class FixedFeatures:
    """The part of a family's models that training never changes, where there is one.

    Its output can be computed once for all configurations that share it, and the rest of the
    model trained on that.

    Attributes:
        are_fixed: From (hyperparameters, options) to whether this configuration has such a part.
        key: From the same to names and numbers that tell its output from that of any other.
        build_extractor: From the same to the model images [b, h, w, 3] 0-255 -> [b, *shape].
        build_rest: From (hyperparameters, options, shape, dropout) to the uncompiled model
            features [b, *shape] -> probabilities.
        set_rest: Gives a whole model the weights of a trained `build_rest`, given (whole, rest).
        parts: From values to those of the configurations whose features, side by side, are its
            own; none where its features are those of one network.
    """

    are_fixed: Callable[[Any, ModelOptions], bool]
    key: Callable[[Any, ModelOptions], tuple[str, ...]]
    build_extractor: Callable[[Any, ModelOptions], keras.Model]
    build_rest: Callable[..., keras.Model]
    set_rest: Callable[[keras.Model, keras.Model], None]
    parts: Callable[[Mapping[str, Any]], list[dict[str, Any]]] = lambda values: []


def _image_size(values: Mapping[str, Any], options: ModelOptions) -> tuple[int, int]:
    return options.image_size


def _described(values: Mapping[str, Any]) -> list[str]:
    family = str(values["family"])
    own = [(name, value) for name, value in values.items() if name.startswith(f"{family}/")]
    return [family, *(_short(name, value) for name, value in own[:_DESCRIBED])]


def _short(name: str, value: Any) -> str:
    last = name.rsplit("/", maxsplit=1)[-1]
    return f"{last} {value:g}" if isinstance(value, int | float) else f"{last} {value}"


_DESCRIBED = 4  # values at most, of a family that has no words of its own


@dataclass(frozen=True)
class Family:
    """One family of models. Only its name and its two functions must be given.

    Attributes:
        name: The value of the hyperparameter "family", and the scope of its own hyperparameters:
            each is named "<name>/...".
        declare: Declares them, given (hyperparameters, options).
        build: Builds the uncompiled model, given (hyperparameters, options, dropout): images
            [b, h, w, 3] 0-255 -> float32 probabilities (see `models.families.head`).
        baselines: Configurations known to be good, tried before any other, the best first: in
            what they differ from the declared defaults. At least one.
        describe: A configuration in a few words, for tables; the first names the family. By
            default its name and the first of its values.
        min_image_size: Least pixels per side: below it the last feature map would be empty.
        pretrained: Whether it stands on the backbones of the options.
        phases: How it is trained; in one phase unless said otherwise.
        features: The part that training never changes; None where there is none.
        image_size: From (values, options) to (height, width) in pixels of the prepared images
            that a configuration takes.
        solved: Whether a library's solver fits its models to all images at once, in place of
            training in epochs: another seed then gives the same model.
        probe: From values to those of the probe (`models.families.probe`) whose last layer a
            configuration starts from; None where it starts from random weights.
        rate_factors: From (model, hyperparameters) to factors of the learning rate by the path
            of a variable; empty where all have the same. Gradients are clipped where there are any.
        layers: Names of classes in `keras.layers` that it is made of and no other family was. An
            exported file that holds any other layer is refused when it is loaded.
        variable_rates: Whether `build` makes all its dropout by the function that it is given:
            configurations that differ in these rates alone then share a training step.
    """

    name: str
    declare: Callable[[Any, ModelOptions], None]
    build: Callable[..., keras.Model]
    baselines: tuple[Mapping[str, Any], ...] = ({},)
    describe: Callable[[Mapping[str, Any]], list[str]] = _described
    min_image_size: int = 8
    pretrained: bool = False
    phases: Phases = Phases()
    features: FixedFeatures | None = None
    image_size: Callable[[Mapping[str, Any], ModelOptions], tuple[int, int]] = _image_size
    solved: bool = False
    probe: Callable[[Mapping[str, Any]], dict[str, Any] | None] = lambda values: None
    rate_factors: Callable[[keras.Model, Any], Mapping[str, float]] = lambda model, hp: {}
    layers: frozenset[str] = frozenset()
    variable_rates: bool = True
