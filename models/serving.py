"""Make the exported model: preprocessing inside, class probabilities out, in float32.

It has only layers and operations of Keras itself, so that `keras.models.load_model(path)` opens the
file in safe mode on a machine that has none of our code.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import layers, ops

from models.xla import no_xla_mark, without_xla


def with_preprocessing(
    model: keras.Model,
    *,
    image_size: tuple[int, int],
    resize_mode: str,
    num_classes: int,
) -> keras.Model:
    """Put before `model` the resize with which its images were prepared.

    Args:
        model: Images [b, height, width, 3] 0-255 -> probabilities [b, 1] or [b, k].
        image_size: (height, width) in pixels that `model` takes.
        resize_mode: "squeeze", "crop" or "pad", as in training.
        num_classes: Two or more.

    Returns:
        Images [b, any height, any width, 3] 0-255 -> float32 [b, num_classes], summing to 1.
    """
    height, width = image_size
    with _float32():
        images = keras.Input((None, None, 3), name="images")
        resized = layers.Resizing(
            height,
            width,
            interpolation="bilinear",
            antialias=True,
            crop_to_aspect_ratio=resize_mode == "crop",
            pad_to_aspect_ratio=resize_mode == "pad",
        )(images)
        # Prepared pixels are whole numbers; rounding gives the model the very same ones.
        # Said here: where a caller says nothing, such layers take it for training.
        marked = no_xla_mark()(resized, training=False)
        return _finished(model, images, ops.round(marked), num_classes)


def with_fixed_size(
    model: keras.Model, *, image_size: tuple[int, int], num_classes: int
) -> keras.Model:
    """Make the model for formats that cannot resize: images already [b, height, width, 3], 0-255.

    Returns:
        Images [b, height, width, 3] 0-255 -> float32 [b, num_classes], summing to 1.
    """
    with _float32():
        images = keras.Input((*image_size, 3), name="images")
        return _finished(model, images, images, num_classes)


def in_float32(model: keras.Model) -> keras.Model:
    """Copy `model` with the same weights, to compute in float32 throughout.

    Weights are float32 even under a mixed policy; only the policy of each layer changes. A model
    that computes so already, and was not compiled, is returned as it is.
    """
    config = model.get_config()
    wanted = _float32_policies(config)
    if wanted == config and not model.compiled:  # a file would hold how it was compiled
        return model
    with _float32():
        copy = model.__class__.from_config(wanted)
    copy.set_weights(model.get_weights())
    return without_xla(copy)


def _finished(model: keras.Model, images: Any, pixels: Any, num_classes: int) -> keras.Model:
    probabilities = in_float32(model)(pixels, training=False)
    if num_classes == 2:
        # 1 - p, by a layer of Keras: the file needs no code of ours.
        other = layers.Rescaling(-1.0, 1.0)(probabilities)
        probabilities = layers.Concatenate()([other, probabilities])
    return without_xla(keras.Model(images, probabilities, name="classifier"))


@contextmanager
def _float32() -> Iterator[None]:
    """Set the global policy to float32: a new model takes it, whatever its layers have."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _float32_policies(config: Any) -> Any:
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return {**config, "config": {"name": "float32"}}
        return {key: _float32_policies(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_float32_policies(value) for value in config)
    return config
