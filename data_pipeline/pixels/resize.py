"""Resize images as the exported model does, in about half of its time on one core."""

import functools
from typing import NamedTuple

import numpy as np

from data_pipeline.pixels.resize_mode import ResizeMode

_CHANNELS = 3
# Neighbouring results are sums over nearly the same pixels. So many of them are computed as one
# small matrix product.
_BAND = 8
# For longer sides, which no camera makes, the dense weights would take gigabytes.
_LONGEST_SIDE = 2**16


class _Band(NamedTuple):
    """Neighbouring rows, or columns, of a result, and how they are computed.

    Attributes:
        target: where they are in the result.
        source: where the pixels are that they are weighted sums of.
        weights: float32 [target, source].
    """

    target: slice
    source: slice
    weights: np.ndarray


def resize(
    images: np.ndarray, image_size: tuple[int, int], *, resize_mode: ResizeMode = "squeeze"
) -> np.ndarray:
    """Resize as `keras.layers.Resizing(interpolation="bilinear", antialias=True)` does.

    The layer's `crop_to_aspect_ratio` and `pad_to_aspect_ratio` are the modes "crop" and "pad".

    The result is rounded half to even, as the exported model rounds after that layer. The
    weights are the layer's, but sums are added in another order: where the layer's result is
    within float32's error of a half, the two may round to neighbouring levels (in photos, 1 to
    4 of 100,000 values).

    Args:
        images: uint8 [height, width, 3] or [batch, height, width, 3], 0–255.
        image_size: (height, width) of the result.
        resize_mode: what is done where the image has another shape than `image_size`.

    Returns:
        uint8 of the same rank, 0–255.

    Raises:
        MemoryError: there is not enough memory, or the black bars of a very long image would be
            longer than any image is.
    """
    batch = images if images.ndim == 4 else images[np.newaxis]
    if resize_mode == "crop":
        batch = _crop(batch, image_size)
    size = batch.shape[1:3]
    bars = _bars(size, image_size) if resize_mode == "pad" else (0, 0)
    if size != tuple(image_size) or any(bars):
        longest = max(side + 2 * bar for side, bar in zip(size, bars, strict=True))
        if longest > _LONGEST_SIDE and any(bars):
            raise MemoryError
        scaled = _scaled if longest <= _LONGEST_SIDE else _scaled_by_tensorflow
        batch = np.stack([_rounded(scaled(image, image_size, bars)) for image in batch])
    return batch if images.ndim == 4 else batch[0]


def _rounded(image: np.ndarray) -> np.ndarray:
    # No clipping: weights that sum to 1 give no value outside of 0 to 255.
    return np.rint(image, out=image).astype(np.uint8)


def _scaled(
    image: np.ndarray, image_size: tuple[int, int], bars: tuple[int, int] = (0, 0)
) -> np.ndarray:
    """float32 [*image_size, 3], not rounded: first rows, then columns, as TensorFlow does it.

    In between, the image is transposed to [width, 3, rows of the result]: so both passes are
    products of small matrices with contiguous memory. Black bars add nothing to a sum: they are
    never made.
    """
    height, width = image.shape[:2]
    lines = image.reshape(height, width * _CHANNELS)
    columns = np.empty((width * _CHANNELS, image_size[0]), np.float32)
    for target, source, weights in _bands(height, image_size[0], bars[0]):
        np.matmul(lines[source].astype(np.float32).T, weights.T, out=columns[:, target])
    columns = columns.reshape(width, _CHANNELS * image_size[0])
    result = np.empty((image_size[1], _CHANNELS * image_size[0]), np.float32)
    for target, source, weights in _bands(width, image_size[1], bars[1]):
        np.matmul(weights, columns[source], out=result[target])
    return result.reshape(image_size[1], _CHANNELS, image_size[0]).transpose(2, 0, 1)


# The photos of a folder have a few hundred sizes. The weights of 512 take about 20 MB at most.
@functools.lru_cache(512)
def _bands(size: int, wanted: int, bar: int) -> tuple[_Band, ...]:
    """The bands of `size` pixels with a black bar of `bar` pixels before and after them."""
    first, last, weights = _triangles(size + 2 * bar, wanted)
    dense = np.zeros((wanted, size + 2 * bar), np.float32)
    taps = first[:, np.newaxis] + np.arange(weights.shape[1])
    inside = taps <= last[:, np.newaxis]
    dense[np.nonzero(inside)[0], taps[inside]] = weights[inside]
    dense = dense[:, bar : bar + size]
    begins, ends = (np.clip(edges - bar, 0, size) for edges in (first, last + 1))
    bands = []
    for start in range(0, wanted, _BAND):
        stop = min(start + _BAND, wanted)
        source = slice(int(begins[start]), int(ends[stop - 1]))
        bands.append(_Band(slice(start, stop), source, dense[start:stop, source].copy()))
    return tuple(bands)


def _triangles(size: int, wanted: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute the weights of TensorFlow's ScaleAndTranslate, in float32 and in its order.

    Returns:
        For each of `wanted` results the first and the last of the `size` pixels that it is a
        sum of, int64 [wanted] each, and the weights from the first on, float32 [wanted, span].
    """
    one, half = np.float32(1), np.float32(0.5)
    step = one / (np.float32(wanted) / np.float32(size))
    radius = max(step, one)
    centres = (np.arange(wanted, dtype=np.float32) + half) * step
    first = np.clip(np.ceil(centres - radius - half), 0, size - 1).astype(np.int64)
    last = np.clip(np.floor(centres + radius - half), 0, size - 1).astype(np.int64)
    taps = first[:, np.newaxis] + np.arange((last - first).max() + 1)
    distance = np.abs(taps.astype(np.float32) + half - centres[:, np.newaxis]) / radius
    weights = np.maximum(one - distance, 0)
    weights[taps > last[:, np.newaxis]] = 0
    # Added one after the other, as there: np.sum adds in pairs, which rounds differently.
    total = np.cumsum(weights, axis=1)[:, -1:]
    return first, last, weights * (one / total)


def _scaled_by_tensorflow(
    image: np.ndarray, image_size: tuple[int, int], bars: tuple[int, int]
) -> np.ndarray:
    """float32 [*image_size, 3], not rounded."""
    import tensorflow as tf

    try:
        return np.array(tf.image.resize(image, image_size, antialias=True))
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError from error


def _crop(batch: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
    """Crop the middle by Keras's arithmetic, in float32: other rounding shifts it by a pixel."""
    height, width = batch.shape[1:3]
    target_height, target_width = image_size
    crop_height = int(np.float32(width * target_height) / np.float32(target_width))
    crop_width = int(np.float32(height * target_width) / np.float32(target_height))
    crop_height = max(min(height, crop_height), 1)
    crop_width = max(min(width, crop_width), 1)
    top, left = (height - crop_height) // 2, (width - crop_width) // 2
    return batch[:, top : top + crop_height, left : left + crop_width]


def _bars(size: tuple[int, ...], image_size: tuple[int, int]) -> tuple[int, int]:
    """Rows above and below, columns left and right, by Keras's arithmetic, in float32."""
    height, width = size
    target_height, target_width = image_size
    padded_height = int(np.float32(width * target_height) / np.float32(target_width))
    padded_width = int(np.float32(height * target_width) / np.float32(target_height))
    return max(padded_height - height, 0) // 2, max(padded_width - width, 0) // 2
