"""The resize of training, bit for bit that of the exported model."""

import numpy as np


def resize(
    images: np.ndarray, image_size: tuple[int, int], *, crop_to_aspect_ratio: bool = False
) -> np.ndarray:
    """Resize as `keras.layers.Resizing(interpolation="bilinear", antialias=True)` does.

    The result is rounded half to even and clipped, so that it equals that layer on uint8
    pixels; the exported model rounds at the same place.

    Args:
        images: uint8 [height, width, 3] or [batch, height, width, 3], 0–255.
        image_size: (height, width) of the result.
        crop_to_aspect_ratio: cut the middle out before, instead of distorting.

    Returns:
        uint8 of the same rank, 0–255.

    Raises:
        MemoryError: there is not enough for it.
    """
    batch = images if images.ndim == 4 else images[np.newaxis]
    if crop_to_aspect_ratio:
        batch = _crop(batch, image_size)
    if batch.shape[1:3] != tuple(image_size):
        scale = np.array(image_size, np.float32) / np.array(batch.shape[1:3], np.float32)
        resized = _scaled(batch, image_size, scale)
        batch = np.clip(np.rint(resized), 0, 255).astype(np.uint8)
    return batch if images.ndim == 4 else batch[0]


def _scaled(batch: np.ndarray, image_size: tuple[int, int], scale: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    try:
        # The op under tf.image.resize(antialias=True), without its Python, which takes
        # as long as the work on a small picture.
        return tf.raw_ops.ScaleAndTranslate(
            images=batch,
            size=np.array(image_size, np.int32),
            scale=scale,
            translation=np.zeros(2, np.float32),
            kernel_type="triangle",
            antialias=True,
        ).numpy()
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError from error


def _crop(batch: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
    """Keras's arithmetic, in float32 as there: other roundings shift the crop by a pixel."""
    height, width = batch.shape[1:3]
    target_height, target_width = image_size
    crop_height = int(np.float32(width * target_height) / np.float32(target_width))
    crop_width = int(np.float32(height * target_width) / np.float32(target_height))
    crop_height = max(min(height, crop_height), 1)
    crop_width = max(min(width, crop_width), 1)
    top, left = (height - crop_height) // 2, (width - crop_width) // 2
    return batch[:, top : top + crop_height, left : left + crop_width]
