"""Describe what an image looks like by 168 numbers that are nearly the same in its copies."""

import base64
import functools
from collections.abc import Sequence

import numpy as np

# 13² - 1 is divisible by 3, so base64 has no padding and sketches can be joined.
FREQUENCIES = 13
_SIDE = 32
_NUMBERS = FREQUENCIES**2 - 1
# Standard deviation of the small grey image, of 255. Below it noise determines the sketch.
_LEAST_CONTRAST = 4.0
# Pixels. Smaller images have fewer details than there are numbers.
_LEAST_SIDE = 16
# The rows of a cell are alike: four per cell are enough for a large image.
_ROWS = 4 * _SIDE
_BAND = 8
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def sketch(pixels: np.ndarray) -> str:
    """Compute the lowest frequencies of a grey copy, which resizing and recompression keep.

    These are of the discrete cosine transform of 32×32 cells, as in pHash (Zauner 2010), but
    with sizes and not signs alone, and without the mean. Each is multiplied by its frequency,
    as in the image's gradient: the lowest would otherwise outweigh the rest, and all images
    with a dark middle on a light background would look alike. The largest is scaled to 127.

    Args:
        pixels: uint8 [height, width, 3], 0–255.

    Returns:
        Base64 of 168 int8, row by row; "" for an image with too few details to be told from
        others.
    """
    grey = _small_grey(pixels)
    if min(pixels.shape[:2]) < _LEAST_SIDE or grey.std() < _LEAST_CONTRAST:
        return ""
    cosines = _cosines()
    steep = (cosines @ grey @ cosines.T * frequency()).ravel()[1:]
    scaled = np.rint(steep * (127 / np.abs(steep).max()))
    return base64.b64encode(scaled.astype(np.int8).tobytes()).decode()


def read_sketches(sketches: Sequence[str]) -> np.ndarray:
    """Decode what `sketch` returned, without "": int8 [n, 13, 13], vertical frequency first.

    The mean, at [0, 0], is 0.
    """
    numbers = np.frombuffer(base64.b64decode("".join(sketches)), np.int8)
    whole = np.zeros((len(sketches), FREQUENCIES**2), np.int8)
    whole[:, 1:] = numbers.reshape(-1, _NUMBERS)
    return whole.reshape(-1, FREQUENCIES, FREQUENCIES)


@functools.cache
def frequency() -> np.ndarray:
    """Return float32 [13, 13]: how many half waves the pattern of each number has."""
    steps = np.arange(FREQUENCIES, dtype=np.float32)
    return np.hypot(steps[:, np.newaxis], steps)


def _small_grey(pixels: np.ndarray) -> np.ndarray:
    """float32 [32, 32]: the mean brightness of each cell; pixels on a border count in part.

    Blocks of whole pixels, as Pillow's `reducing_gap` takes them, would shift the image by up
    to a block, and a resized copy by another: one copy in four is then not recognised.
    """
    height, width = pixels.shape[:2]
    lines = pixels.reshape(height, -1)[:: max(1, height // _ROWS)]
    shares = _shares(len(lines))
    rows = np.empty((_SIDE, width * 3), np.float32)
    # A band of cells at a time: only the rows that it needs are converted to float.
    for start in range(0, _SIDE, _BAND):
        stop = start + _BAND
        used = slice(start * len(lines) // _SIDE, -(-stop * len(lines) // _SIDE))
        band = lines[used].astype(np.float32)
        np.matmul(shares[start:stop, used], band, out=rows[start:stop])
    grey = rows.reshape(-1, 3) @ _LUMA
    return grey.reshape(_SIDE, width) @ _shares(width).T


@functools.lru_cache(512)
def _shares(size: int) -> np.ndarray:
    """float32 [32, size]: how much each of `size` pixels adds to the mean of each cell."""
    edges = np.arange(_SIDE + 1) * (size / _SIDE)
    pixels = np.arange(size)
    overlap = np.minimum(edges[1:, np.newaxis], pixels + 1)
    overlap = overlap - np.maximum(edges[:-1, np.newaxis], pixels)
    return (np.maximum(overlap, 0) * (_SIDE / size)).astype(np.float32)


@functools.cache
def _cosines() -> np.ndarray:
    """float32 [13, 32]: the lowest rows of the orthonormal discrete cosine transform."""
    step = np.arange(FREQUENCIES)[:, np.newaxis]
    position = np.arange(_SIDE)[np.newaxis]
    cosines = np.cos(np.pi * step * (2 * position + 1) / (2 * _SIDE))
    cosines[0] *= np.sqrt(0.5)
    return cosines.astype(np.float32)
