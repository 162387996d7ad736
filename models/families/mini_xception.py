"""Mini-Xception: residual blocks of separable convolutions (Chollet 2017, arXiv 1610.02357).

At width 1 it is the network of Keras's "image classification from scratch": the edition of 2022
with a single entry convolution and three blocks, that of 2020 with a double one and four.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from models.families.family import Family, ModelOptions
from models.families.head import Dropout, images_input, normalized, plain_dropout, probabilities

if TYPE_CHECKING:
    import keras

# Filters at width 1 of the entry convolutions, and of the blocks that follow them.
ENTRIES = {
    "single": ((128,), (256, 512, 728, 728)),
    "double": ((32, 64), (128, 256, 512, 728)),
}
EXIT_FILTERS = 1024
# Channels into a shortcut: with 8 of them the gradient of its strided 1x1 convolution corrupts
# memory in TensorFlow 2.21 with oneDNN, and the process dies.
LEAST_SHORTCUT = 16


def declare(hp: Any, options: ModelOptions) -> None:
    """Declare this family's values; the image size changes none, "same" padding fits all."""
    compact = options.compact
    widths = [0.125, 0.25, 0.5] if compact else [0.25, 0.5, 1.0]
    hp.Choice("xception/width", widths, default=0.25)
    hp.Choice("xception/entry", ["single", "double"], default="double" if compact else "single")
    hp.Int("xception/blocks", 2, 4, default=3)
    hp.Choice("xception/normalization", ["batch", "none"], default="batch")
    hp.Float("xception/dropout", 0.0, 0.6, step=0.1, default=0.3)


def build(hp: Any, options: ModelOptions, dropout: Dropout = plain_dropout) -> keras.Model:
    """Build the uncompiled model: images [b, h, w, 3] 0-255 -> float32 probabilities.

    Args:
        hp: Values of the `xception/` hyperparameters.
        options: Image size and number of classes.
        dropout: Makes the layer for a value, given `hp` and its name.
    """
    import keras
    from keras import layers

    width, kind = hp.get("xception/width"), hp.get("xception/normalization")
    entry, blocks = ENTRIES[hp.get("xception/entry")]
    images = images_input(options.image_size)
    # In float32 under any policy: half precision would round the pixels.
    x = layers.Rescaling(1 / 255, dtype="float32")(images)
    for index, filters in enumerate(entry):
        strides = 2 if index == 0 else 1
        count = _scaled(filters, width)
        if index == len(entry) - 1:
            count = max(LEAST_SHORTCUT, count)
        x = layers.Conv2D(count, 3, strides=strides, padding="same")(x)
        x = layers.ReLU()(normalized(x, kind))
    for filters in blocks[: hp.get("xception/blocks")]:
        x = _residual_block(x, filters=_scaled(filters, width), normalization=kind)
    x = layers.SeparableConv2D(_scaled(EXIT_FILTERS, width), 3, padding="same")(x)
    x = layers.ReLU()(normalized(x, kind))
    x = layers.GlobalAveragePooling2D()(x)
    x = dropout(hp, "xception/dropout")(x)
    return keras.Model(images, probabilities(x, num_classes=options.num_classes), name="xception")


def _residual_block(x: Any, *, filters: int, normalization: str) -> Any:
    from keras import layers

    shortcut = layers.Conv2D(filters, 1, strides=2, padding="same")(x)
    for _ in range(2):
        x = layers.ReLU()(x)
        x = layers.SeparableConv2D(filters, 3, padding="same")(x)
        x = normalized(x, normalization)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    return layers.Add()([x, shortcut])


def _scaled(filters: int, width: float) -> int:
    # Multiples of 8 fill the vector registers; 728 stays 728 at width 1.
    return max(8, int(filters * width) // 8 * 8)


def describe(values: Mapping[str, Any]) -> list[str]:
    """Say what decides its size, such as "xception ×0.25", "3 blocks"."""
    return [f"xception ×{values['xception/width']:g}", f"{values['xception/blocks']} blocks"]


FAMILY = Family(
    name="xception",
    declare=declare,
    build=build,
    baselines=({},),
    describe=describe,
    min_image_size=16,
)
