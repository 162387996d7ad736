"""What an image looks like, in 168 numbers that its copies nearly share."""

import base64
import functools
from collections.abc import Sequence

import numpy as np

FREQUENCIES = 13  # its square less one is divisible by 3: base64 without padding can be joined
_SIDE = 32
_NUMBERS = FREQUENCIES**2 - 1
# Standard deviation of the small grey image, of 255, under which noise decides the sketch.
_LEAST_CONTRAST = 4.0
# Pixels; smaller images have fewer details than there are numbers.
_LEAST_SIDE = 16
# Rows of a cell are alike: of a large image's, four are enough.
_ROWS = 4 * _SIDE
_BAND = 8
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def sketch(pixels: np.ndarray) -> str:
    """The lowest frequencies of a grey copy, which resizing and recompression hardly change.

    Those of the discrete cosine transform of 32×32 cells, as in pHash (Zauner 2010), but with
    their sizes and not their signs alone, and without the mean. Each is multiplied by its
    frequency, as in the image's gradient: the coarsest would otherwise outweigh the rest,
    and a dark middle on a light ground look like every other. The largest is 127.

    Args:
        pixels: uint8 [height, width, 3], 0–255.

    Returns:
        Base64 of 168 int8, row by row; or "" for an image with too little in it to be told
        from others.
    """
    grey = _small_grey(pixels)
    if min(pixels.shape[:2]) < _LEAST_SIDE or grey.std() < _LEAST_CONTRAST:
        return ""
    cosines = _cosines()
    steep = (cosines @ grey @ cosines.T * frequency()).ravel()[1:]
    scaled = np.rint(steep * (127 / np.abs(steep).max()))
    return base64.b64encode(scaled.astype(np.int8).tobytes()).decode()


def read_sketches(sketches: Sequence[str]) -> np.ndarray:
    """int8 [n, 13, 13], vertical frequency first, 0 at [0, 0], from what `sketch` gave; no ""."""
    numbers = np.frombuffer(base64.b64decode("".join(sketches)), np.int8)
    whole = np.zeros((len(sketches), FREQUENCIES**2), np.int8)
    whole[:, 1:] = numbers.reshape(-1, _NUMBERS)
    return whole.reshape(-1, FREQUENCIES, FREQUENCIES)


@functools.cache
def frequency() -> np.ndarray:
    """float32 [13, 13]: how many half waves each number's pattern has across the image."""
    steps = np.arange(FREQUENCIES, dtype=np.float32)
    return np.hypot(steps[:, np.newaxis], steps)


def _small_grey(pixels: np.ndarray) -> np.ndarray:
    """float32 [32, 32]: the mean brightness of each cell, borders shared to the fraction.

    Whole blocks alone, as Pillow's `reducing_gap` takes them, shift the image by up to a
    block, and a resized copy by another: one in four then passes for another image.
    """
    height, width = pixels.shape[:2]
    lines = pixels.reshape(height, -1)[:: max(1, height // _ROWS)]
    shares = _shares(len(lines))
    rows = np.empty((_SIDE, width * 3), np.float32)
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
