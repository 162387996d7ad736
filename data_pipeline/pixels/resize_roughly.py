"""Resize images as the exported model does, but for rounding: by Pillow, in all threads at once."""

import numpy as np
from PIL import Image

from data_pipeline.pixels.resize import bars_of, cropped
from data_pipeline.pixels.resize_mode import ResizeMode


def resize_roughly(
    image: np.ndarray, image_size: tuple[int, int], *, resize_mode: ResizeMode = "squeeze"
) -> np.ndarray:
    """Resize as `data_pipeline.pixels.resize.resize` does, to about a level.

    Pillow's bilinear filter is that one, with values rounded between rows and columns; and the
    edges of black bars lie on whole pixels. Python's lock is released.

    Args:
        image: uint8 [height, width, 3], 0–255.
        image_size: (height, width) of the result.
        resize_mode: what is done where the image has another shape than `image_size`.

    Returns:
        uint8 [*image_size, 3], 0–255.
    """
    if resize_mode == "crop":
        image = cropped(image[np.newaxis], image_size)[0]
    rows, columns = bars_of(image.shape[:2], image_size) if resize_mode == "pad" else (0, 0)
    height = _inner(image.shape[0], rows, image_size[0])
    width = _inner(image.shape[1], columns, image_size[1])
    small = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
    if (height, width) == tuple(image_size):
        return np.asarray(small)
    result = np.zeros((*image_size, image.shape[2]), np.uint8)
    top, left = (image_size[0] - height) // 2, (image_size[1] - width) // 2
    result[top : top + height, left : left + width] = np.asarray(small)
    return result


def _inner(side: int, bar: int, wanted: int) -> int:
    """How many of the wanted pixels the image has between its bars."""
    return max(1, round(wanted * side / (side + 2 * bar)))
