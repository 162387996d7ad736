"""Probe: logistic regression on the features of a frozen backbone (Alain & Bengio 2016).

It is solved in seconds, so it shows which backbone and which image size suit the images before
anything is trained, and is what a fine-tuned backbone starts from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from models.families.backbone import (
    declare_backbone,
    features_key,
    pooled_features,
    prepared_size,
)
from models.families.family import Family, FixedFeatures, ModelOptions
from models.families.head import Dropout, plain_dropout, probabilities

if TYPE_CHECKING:
    import keras


def declare(hp: Any, options: ModelOptions) -> None:
    """Declare the backbone and the size at which it sees images."""
    declare_backbone(hp, "probe", options)


def build(hp: Any, options: ModelOptions, dropout: Dropout = plain_dropout) -> keras.Model:
    """Build the uncompiled model: images [b, h, w, 3] 0-255 -> probabilities."""
    import keras

    images, features = pooled_features(hp.values, "probe", options)
    rest = build_rest(hp, options, tuple(features.shape[1:]), dropout=dropout)
    return keras.Model(images, rest(features), name="probe")


def build_extractor(hp: Any, options: ModelOptions) -> keras.Model:
    """Build all but the last layer: images [b, h, w, 3] 0-255 -> [b, features]."""
    import keras

    return keras.Model(*pooled_features(hp.values, "probe", options), name="extractor")


def build_rest(
    hp: Any, options: ModelOptions, shape: tuple[int, ...], dropout: Dropout = plain_dropout
) -> keras.Model:
    """Build the last layer alone: features [b, *shape] -> float32 probabilities."""
    import keras

    features = keras.Input(shape, name="features")
    return keras.Model(
        features, probabilities(features, num_classes=options.num_classes), name="head"
    )


def set_rest(whole: keras.Model, rest: keras.Model) -> None:
    """Give a whole model the weights of a solved last layer."""
    whole.get_layer("head").set_weights(rest.get_weights())


def describe(values: Mapping[str, Any]) -> list[str]:
    """Say which backbone at which size, such as "probe mobilenet_v2", "224 px"."""
    return [f"probe {values['probe/backbone']}", f"{values['probe/image_size']} px"]


FEATURES = FixedFeatures(
    are_fixed=lambda hp, options: options.weights is not None,
    key=lambda hp, options: features_key(hp.values, "probe", options),
    build_extractor=build_extractor,
    build_rest=build_rest,
    set_rest=set_rest,
)
FAMILY = Family(
    name="probe",
    declare=declare,
    build=build,
    baselines=({},),
    describe=describe,
    min_image_size=32,
    pretrained=True,
    features=FEATURES,
    image_size=lambda values, options: prepared_size(values, "probe", options),
    solved=True,
)
