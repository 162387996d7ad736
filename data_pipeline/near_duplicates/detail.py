"""Tell copies from images that only look alike: by detail and colour, once one lies over the other.

What all images of a data set have in common (the place where they were taken, the outline of a
chest) says nothing about two of them, so it is subtracted before their details are compared.
"""

import numpy as np

from data_pipeline.near_duplicates.alignment import cosines
from data_pipeline.near_duplicates.sketch import (
    FREQUENCIES,
    TINTS,
    Sketches,
    frequency,
    mirrored,
    tints,
)
from data_pipeline.near_duplicates.stored_sketches import WithMirrored

# Of 500 copies of photos, each cropped by 3 % on every side, halved, recompressed, brighter and of
# another gamma, the worst correlates by 0.91; of 400 of flowers 2, and of 186 of grey tiles one, by
# less than this. Of 600 photos of hands before one background the closest two correlate by 0.895,
# of 1,000 made-up X-rays two pairs by more.
_LEAST_CORRELATION = 0.9
_MOST_TINT = 48.0  # levels of 255: flowers in such copies differ by up to 45, red and blue by 110
_COLOURLESS = 6.0  # levels; a grey copy is one of a photo in colour too
_TIMES_AS_COLOURFUL = 2.0  # as brighter copies are
_CHUNK = 4096  # images
_POINTS = 28
# Without the borders: a moved image has no values beyond its own.
_PLACES = 0.9 * ((np.arange(_POINTS, dtype=np.float32) + 0.5) / _POINTS - 0.5)
_TINT_PLACES = 0.9 * ((np.arange(TINTS, dtype=np.float32) + 0.5) / TINTS - 0.5)
# Of few images the mean is mostly themselves: it counts in full where there are many more.
_FEW = 20.0
_MOST_COMMON = 1.25  # times the mean, which has to do for an image of more contrast


class Details:
    """The details of the images of a data set.

    Args:
        both: sketches of all images, and of them mirrored.
    """

    def __init__(self, both: WithMirrored) -> None:
        self._count, self._both = both.images, both
        self._total = np.zeros((FREQUENCIES, FREQUENCIES), np.float32)
        for start in range(0, self._count, _CHUNK):
            rows = np.arange(start, min(start + _CHUNK, self._count))
            self._total += self._units(rows).sum(axis=0)

    def agree(self, pairs: np.ndarray, moved_by: np.ndarray) -> np.ndarray:
        """Tell which pairs of images are one image.

        Args:
            pairs: int64 [pairs, 2], row numbers; mirrored images come after all others.
            moved_by: what `data_pipeline.near_duplicates.alignment.motion` found, [pairs, 4].

        Returns:
            bool [pairs].
        """
        first, second = pairs.T
        ours = self._own(first, second, moved_by / 2)
        theirs = self._own(second, first, -moved_by / 2)
        lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
        correlation = (ours * theirs).sum(axis=1) / np.maximum(lengths, 1e-9)
        tint = _difference_of_tint(
            _tints(self._both.rows(first), moved_by / 2),
            _tints(self._both.rows(second), -moved_by / 2),
        )
        return np.asarray((correlation >= _LEAST_CORRELATION) & (tint <= _MOST_TINT))

    def _own(self, rows: np.ndarray, others: np.ndarray, moved_by: np.ndarray) -> np.ndarray:
        """float32 [pairs, points²]: details less what images but these two have in common."""
        flipped = rows // self._count
        own, other = self._units(rows), self._units(others % self._count + flipped * self._count)
        total = np.stack([self._total, mirrored(self._total)])[flipped]
        common = (total - own - other) / (self._count - 2 + _FEW)
        return _without(_seen(own, moved_by), _seen(common, moved_by))

    def _units(self, rows: np.ndarray) -> np.ndarray:
        """float32 [n, 24, 24]: the waves of the images as they are, each of length 1."""
        grey = self._both.rows(rows).grey / np.maximum(frequency(), 1)
        lengths = np.linalg.norm(grey, axis=(1, 2), keepdims=True)
        return np.asarray(grey / np.maximum(lengths, 1e-6), np.float32)


def _seen(grey: np.ndarray, moved_by: np.ndarray) -> np.ndarray:
    """float32 [n, points²]: details at the moved places, with mean 0."""
    across, down = (
        cosines(*axis.T, frequencies=FREQUENCIES, places=_PLACES)
        for axis in (moved_by[:, :2], moved_by[:, 2:])
    )
    values = (down.transpose(0, 2, 1) @ grey @ across).reshape(-1, _POINTS**2)
    return np.asarray(values - values.mean(axis=1, keepdims=True))


def _without(values: np.ndarray, common: np.ndarray) -> np.ndarray:
    """The same less what is common, as far as an image has it."""
    share = (values * common).sum(axis=1) / np.maximum((common**2).sum(axis=1), 1e-9)
    return np.asarray(values - np.clip(share, 0, _MOST_COMMON)[:, np.newaxis] * common)


def _tints(sketches: Sketches, moved_by: np.ndarray) -> np.ndarray:
    """float32 [n, 2, 64]: colour differences at the moved places, in levels."""
    across, down = (
        cosines(*axis.T, frequencies=TINTS, places=_TINT_PLACES)
        for axis in (moved_by[:, :2], moved_by[:, 2:])
    )
    return tints(sketches.colour, down, across).reshape(-1, 2, TINTS**2)


def _difference_of_tint(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """float32 [n]: by how many levels the colours differ most, were both as colourful."""
    sizes = [np.sqrt((side**2).sum(axis=(1, 2))) for side in (first, second)]
    times = np.clip(
        sizes[1] / np.maximum(sizes[0], 1e-6), 1 / _TIMES_AS_COLOURFUL, _TIMES_AS_COLOURFUL
    )
    scale = np.sqrt(times)[:, np.newaxis, np.newaxis]
    apart = np.abs(first * scale - second / scale).max(axis=(1, 2))
    least = np.minimum(*(np.abs(side).max(axis=(1, 2)) for side in (first, second)))
    return np.where(least < _COLOURLESS, 0.0, apart)
