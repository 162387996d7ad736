"""Simple CNN: blocks of convolutions and max pooling, with twice the filters in each block.

With 16 filters, three blocks, no normalisation, flattening and 512 dense units at 150x150 it is
the network of TensorFlow's image classification tutorial.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from models.families.family import Family, ModelOptions
from models.families.head import Dropout, images_input, normalized, plain_dropout, probabilities

if TYPE_CHECKING:
    import keras


def declare(hp: Any, options: ModelOptions) -> None:
    """Declare this family's values; a block halves the image, so small ones allow fewer."""
    compact = options.compact
    # Each block halves the image, and at least one pixel must be left.
    most_blocks = min(5, min(options.image_size).bit_length() - 1)
    dense_units = [0, 32, 64, 128] if compact else [0, 64, 128, 256, 512]
    hp.Choice("cnn/filters", [8, 16, 32] if compact else [16, 32, 64], default=16)
    hp.Int("cnn/blocks", 2, most_blocks, default=min(4, most_blocks))
    hp.Choice("cnn/convolutions", [1, 2], default=1)
    hp.Choice("cnn/normalization", ["batch", "none"], default="batch")
    hp.Float("cnn/block_dropout", 0.0, 0.4, step=0.1, default=0.0)
    hp.Choice("cnn/pooling", ["average", "flatten"], default="average")
    hp.Choice("cnn/dense_units", dense_units, default=0)
    hp.Float("cnn/dropout", 0.0, 0.5, step=0.1, default=0.2)


def build(hp: Any, options: ModelOptions, dropout: Dropout = plain_dropout) -> keras.Model:
    """Build the uncompiled model: images [b, h, w, 3] 0-255 -> float32 probabilities.

    Args:
        hp: Values of the `cnn/` hyperparameters.
        options: Image size and number of classes.
        dropout: Makes the layer for a value, given `hp` and its name.
    """
    import keras
    from keras import layers

    blocks = hp.get("cnn/blocks")
    images = images_input(options.image_size)
    # In float32 under any policy: half precision would round the pixels.
    x = layers.Rescaling(1 / 255, dtype="float32")(images)
    for block in range(blocks):
        x = _block(hp, x, filters=hp.get("cnn/filters") * 2**block)
        # After the first and the last pooling, where the tutorial has its dropout.
        if block in (0, blocks - 1):
            x = dropout(hp, "cnn/block_dropout")(x)
    x = layers.Flatten()(x) if hp.get("cnn/pooling") == "flatten" else _average(x)
    if units := hp.get("cnn/dense_units"):
        x = layers.Dense(units, activation="relu")(x)
    x = dropout(hp, "cnn/dropout")(x)
    return keras.Model(images, probabilities(x, num_classes=options.num_classes), name="cnn")


def _block(hp: Any, x: Any, *, filters: int) -> Any:
    from keras import layers

    normalization = hp.get("cnn/normalization")
    for _ in range(hp.get("cnn/convolutions")):
        # Batch normalisation has an offset of its own, so a bias before it would have no effect.
        x = layers.Conv2D(filters, 3, padding="same", use_bias=normalization == "none")(x)
        x = layers.ReLU()(normalized(x, normalization))
    return layers.MaxPooling2D()(x)


def _average(x: Any) -> Any:
    from keras import layers

    return layers.GlobalAveragePooling2D()(x)


def describe(values: Mapping[str, Any]) -> list[str]:
    """Say what decides its size, such as "cnn 16 filters", "4 blocks"."""
    parts = [f"cnn {values['cnn/filters']} filters", f"{values['cnn/blocks']} blocks"]
    if units := values["cnn/dense_units"]:
        parts.append(f"dense {units}")
    return parts


FAMILY = Family(
    name="cnn",
    declare=declare,
    build=build,
    baselines=({},),
    describe=describe,
    min_image_size=16,
)
