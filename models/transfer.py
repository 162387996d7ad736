"""Transfer: a small head over a pretrained backbone, frozen or with its last part unfrozen.

Three parts, each a layer of its own: "preprocessing" -> "backbone" (pooled features) -> "head".
A frozen backbone is a fixed function, so its features can be computed once
(`feature_extractor`) and a head trained on them alone (`build_head`), whose weights then fit
`model.get_layer("head")`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.backbones import build_backbone, preprocessing
from models.head import images_input, normalized, probabilities

if TYPE_CHECKING:
    import keras


def declare(hp: Any, *, backbones: tuple[str, ...], compact: bool, weights: str | None) -> None:
    """Declare this family's values; without pretrained weights there is nothing to freeze."""
    hp.Choice("transfer/backbone", list(backbones))
    hp.Choice("transfer/head_units", [0, 64, 128] if compact else [0, 128, 256, 512], default=128)
    hp.Choice("transfer/normalization", ["none", "batch"], default="none")
    hp.Float("transfer/dropout", 0.0, 0.5, step=0.1, default=0.2)
    if weights is None:
        return
    # Unfreezing costs a CPU ten times the time of a frozen backbone: one choice is enough there.
    parts = [0.25] if compact else [0.25, 0.5, 1.0]
    hp.Choice("transfer/unfreeze", [0.0, *parts], default=0.0)
    with hp.conditional_scope("transfer/unfreeze", parts):
        hp.Choice("transfer/warmup_epochs", [0, 1, 2, 3], default=2)
        with hp.conditional_scope("transfer/warmup_epochs", [1, 2, 3]):
            hp.Float("transfer/fine_tune_rate", 0.01, 1.0, sampling="log", default=0.1)


def build(
    hp: Any, *, image_size: tuple[int, int], num_classes: int, weights: str | None
) -> keras.Model:
    """The uncompiled model, its backbone frozen: images [b, h, w, 3] 0-255 -> probabilities.

    Args:
        hp: Values of the `transfer/` hyperparameters.
        image_size: (height, width) in pixels.
        num_classes: Two or more.
        weights: "imagenet", the path of a file, or None: from scratch, nothing frozen.
    """
    import keras

    name = hp.get("transfer/backbone")
    backbone = build_backbone(name, image_size=image_size, weights=weights)
    images = images_input(image_size)
    if weights is not None:
        backbone.trainable = False
        _without_dropout(backbone)
    x = backbone(preprocessing(name)(images))
    head = build_head(hp, num_features=backbone.output_shape[-1], num_classes=num_classes)
    return keras.Model(images, head(x), name="transfer")


def build_head(hp: Any, *, num_features: int, num_classes: int) -> keras.Model:
    """The head alone: features [b, num_features] -> float32 probabilities."""
    import keras
    from keras import layers

    features = keras.Input((num_features,), name="features")
    x = normalized(features, hp.get("transfer/normalization"))
    if units := hp.get("transfer/head_units"):
        x = layers.Dense(units, activation="relu")(x)
    x = layers.Dropout(hp.get("transfer/dropout"))(x)
    return keras.Model(features, probabilities(x, num_classes=num_classes), name="head")


def feature_extractor(model: keras.Model) -> keras.Model:
    """The frozen part of `model`, weights shared: images 0-255 -> features [b, num_features]."""
    import keras

    images = keras.Input(model.input_shape[1:], name="images")
    x = model.get_layer("preprocessing")(images)
    return keras.Model(images, model.get_layer("backbone")(x), name="features")


def unfreeze(model: keras.Model, fraction: float) -> None:
    """Make the last `fraction` (0 to 1) of the backbone's layers trainable, and no others.

    Batch normalisation stays frozen throughout, scale and offset included: its statistics were
    learned on a million photos, and those of a few small batches would wreck what sits on them.
    Only `trainable = False` keeps it in inference mode: calling the backbone with
    `training=False` does not, since `fit` overrides that argument in every layer of a model.
    """
    from keras import layers

    backbone = model.get_layer("backbone")
    backbone.trainable = True
    first = round(len(backbone.layers) * (1 - fraction))
    for index, layer in enumerate(backbone.layers):
        fixed = index < first or isinstance(layer, layers.BatchNormalization)
        layer.trainable = not fixed


def _without_dropout(backbone: keras.Model) -> None:
    """Switch off the dropout inside, so that a frozen backbone is a fixed function in training."""
    from keras import layers

    for layer in backbone.layers:
        if isinstance(layer, layers.Dropout):
            layer.rate = 0.0


def unfrozen_part(hp: Any) -> float:
    """The fraction of the backbone that is trained in the end, 0 to 1."""
    return float(hp.values.get("transfer/unfreeze", 0.0))


def warmup_epochs(hp: Any) -> int:
    """Epochs for which the head is trained alone before the backbone is unfrozen."""
    return int(hp.values.get("transfer/warmup_epochs", 0)) if unfrozen_part(hp) else 0
