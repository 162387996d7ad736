"""Describe what an image looks like by 703 numbers that are nearly the same in its copies."""

import base64
import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FREQUENCIES = 24  # of grey; the lowest of them are enough to find what may be a copy
OUTLINE = 13
TINTS = 8  # frequencies of each of two colour differences
CHARACTERS = 940
"""Length of a sketch. 705 bytes are divisible by 3, so that base64 has no padding."""
_BYTES = 705
_GREY, _COLOUR = FREQUENCIES**2 - 1, 2 * TINTS**2
_SIDE = 48  # cells
# Standard deviation of the small grey image, of 255. Below it noise determines the sketch.
_LEAST_CONTRAST = 4.0
# Pixels. Smaller images have fewer details than there are numbers.
_LEAST_SIDE = 16
# Images of two tones alone, as digits and discs are, look alike as a kind. Photos have more: of
# 1,000 none has a share of its variance explained by two tones as large as this. Small drawings
# are blurred, and small photos seldom have so few tones.
_TWO_TONES, _TWO_TONES_IF_SMALL = 0.95, 0.83
_SMALL = 48  # pixels
# The rows of a cell are alike: four per cell are enough for a large image.
_ROWS = 4 * _SIDE
_BAND = 12
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_TINT_STEP = 3.0  # levels per unit of a colour number


@dataclass(frozen=True)
class Sketches:
    """What some images look like.

    Attributes:
        grey: int8 [n, 24, 24], vertical frequency first; the mean, at [0, 0], is 0.
        colour: int8 [n, 2, 8, 8], of what red and what blue have more than grey.
    """

    grey: np.ndarray
    colour: np.ndarray

    def __len__(self) -> int:
        return len(self.grey)

    @property
    def outline(self) -> np.ndarray:
        """The lowest frequencies of grey: int8 [n, 13, 13]."""
        return self.grey[:, :OUTLINE, :OUTLINE]

    def rows(self, index: np.ndarray) -> "Sketches":
        """Those of some images."""
        return Sketches(self.grey[index], self.colour[index])


def mirrored(waves: np.ndarray) -> np.ndarray:
    """Give the waves of the mirrored image: of the odd ones across, [..., 1::2], the negatives."""
    signs = 1 - 2 * (np.arange(waves.shape[-1]) % 2)
    return waves * signs.astype(waves.dtype)


def sketch(pixels: np.ndarray) -> str:
    """Compute the lowest frequencies of a small copy, which resizing and recompression keep.

    These are of the discrete cosine transform of 48×48 cells, as in pHash (Zauner 2010), but
    with sizes and not signs alone, and without the mean. Those of grey are multiplied by their
    frequency, as in the image's gradient: the lowest would otherwise outweigh the rest, and all
    images with a dark middle on a light background would look alike. The largest is scaled to 127.

    Args:
        pixels: uint8 [height, width, 3], 0–255.

    Returns:
        Base64 of int8, first 575 of grey, row by row, then 64 of red less grey and 64 of blue
        less grey, then two zeros; "" for an image with too few details to be told from others.
    """
    side = min(pixels.shape[:2])
    if side < _LEAST_SIDE:
        return ""
    cells = _cells(pixels)
    grey = cells @ _LUMA
    if grey.std() < _LEAST_CONTRAST:
        return ""
    if _two_tones(grey) >= (_TWO_TONES_IF_SMALL if side < _SMALL else _TWO_TONES):
        return ""
    waves = _cosines(FREQUENCIES)
    steep = (waves @ grey @ waves.T * frequency()).ravel()[1:]
    tint = (cells[..., ::2] - grey[..., np.newaxis]).transpose(2, 0, 1)
    waves = _cosines(TINTS) * (2 / _SIDE)
    colour = np.clip(waves @ tint @ waves.T / _TINT_STEP, -127, 127)
    numbers = [np.rint(steep * (127 / np.abs(steep).max())), np.rint(colour.ravel()), np.zeros(2)]
    return base64.b64encode(np.concatenate(numbers).astype(np.int8).tobytes()).decode()


def read_sketches(sketches: Sequence[str]) -> Sketches:
    """Decode what `sketch` returned, without "".

    Raises:
        ValueError: they are no sketches.
    """
    content = base64.b64decode("".join(sketches), validate=True)
    return sketches_of(np.frombuffer(content, np.uint8).reshape(-1, _BYTES))


def sketches_of(stored: np.ndarray) -> Sketches:
    """Take the parts of sketches, uint8 [n, 705]."""
    numbers = stored.view(np.int8)
    grey = np.zeros((len(numbers), FREQUENCIES**2), np.int8)
    grey[:, 1:] = numbers[:, :_GREY]
    colour = numbers[:, _GREY : _GREY + _COLOUR]
    return Sketches(grey.reshape(-1, FREQUENCIES, FREQUENCIES), colour.reshape(-1, 2, TINTS, TINTS))


def tints(colour: np.ndarray, down: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Give the colour differences at some places, in levels of 255: float32 [n, 2, rows, columns].

    Args:
        colour: [n, 2, 8, 8], of `Sketches`.
        down: cosines, [n, 8, rows].
        across: cosines, [n, 8, columns].
    """
    waves = colour.astype(np.float32) * _TINT_STEP
    return down.transpose(0, 2, 1)[:, np.newaxis] @ waves @ across[:, np.newaxis]


@functools.cache
def frequency() -> np.ndarray:
    """Return float32 [24, 24]: how many half waves the pattern of each number of grey has."""
    steps = np.arange(FREQUENCIES, dtype=np.float32)
    return np.hypot(steps[:, np.newaxis], steps)


def _two_tones(grey: np.ndarray) -> float:
    """The share of the variance that two tones explain, each cell having the nearer one."""
    low, high = grey.min(), grey.max()
    for _ in range(8):  # of the iteration of k-means
        nearer = np.abs(grey - low) < np.abs(grey - high)
        low, high = grey[nearer].mean(), grey[~nearer].mean()
    rest = np.minimum((grey - low) ** 2, (grey - high) ** 2).mean()
    return float(1 - rest / grey.var())


def _cells(pixels: np.ndarray) -> np.ndarray:
    """float32 [48, 48, 3]: the mean colour of each cell; pixels on a border count in part.

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
    return _shares(width) @ rows.reshape(_SIDE, width, 3)


@functools.lru_cache(32)  # 192 bytes per pixel each
def _shares(size: int) -> np.ndarray:
    """float32 [48, size]: how much each of `size` pixels adds to the mean of each cell."""
    edges = np.arange(_SIDE + 1) * (size / _SIDE)
    pixels = np.arange(size)
    overlap = np.minimum(edges[1:, np.newaxis], pixels + 1)
    overlap = overlap - np.maximum(edges[:-1, np.newaxis], pixels)
    return (np.maximum(overlap, 0) * (_SIDE / size)).astype(np.float32)


@functools.cache
def _cosines(frequencies: int) -> np.ndarray:
    """float32 [frequencies, 48]: the lowest rows of the discrete cosine transform."""
    step = np.arange(frequencies)[:, np.newaxis]
    position = np.arange(_SIDE)[np.newaxis]
    cosines = np.cos(np.pi * step * (2 * position + 1) / (2 * _SIDE))
    cosines[0] *= np.sqrt(0.5)
    return cosines.astype(np.float32)
