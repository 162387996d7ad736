"""How much two images still differ once one is laid over the other."""

import numpy as np

from data_pipeline.near_duplicates.sketch import FREQUENCIES

_POINTS = FREQUENCIES + 2
_GRID = ((np.arange(_POINTS) + 0.5) / _POINTS - 0.5).astype(np.float32)
# Both are seen without their borders: beyond its own, a moved image knows nothing.
_PLACES = 0.95 * _GRID
_HALF_TURNS = np.pi * np.arange(FREQUENCIES, dtype=np.float32)[:, np.newaxis]
# Of the width or height: cropping by 3 % moves each edge by that, measured as up to 0.04.
_FURTHEST = 0.05
# Keeps an image that is the same all along one axis from being moved along it without end.
_STIFFNESS = 1e-4
# Of an image's largest number. The signs of smaller ones are made by rounding and clipping.
_LEAST_NUMBER = 0.01
# With fewer numbers than these, images of one kind cannot be told from copies.
_LEAST_COMPARED = 64


def difference(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The share of sketched numbers with another sign, after the best small shift and stretch.

    Signs, since each counts alike: what pages of text have in common, the block of text, is
    most of what varies in them, and they are different pages.

    Args:
        one: sketches, [n, 13, 13].
        other: as many others.

    Returns:
        float [n], from 0 for copies to 0.5 for strangers; 1 where the images had to be moved
        further than cropping by 3 % moves them, and where they have too little in them to tell.
    """
    one, other = (np.asarray(sketches, np.float32) for sketches in (one, other))
    still = np.zeros((len(one), 4), np.float32)
    way = _way(_seen(one, still), _seen(other, still))
    edges = np.abs(way[:, [1, 3]]) + np.abs(way[:, [0, 2]]) / 2
    first, second = _numbers(_seen(one, way / 2)), _numbers(_seen(other, -way / 2))
    sure = np.minimum(np.abs(first), np.abs(second)) >= _LEAST_NUMBER
    compared = sure.sum(axis=1)
    apart = (sure & (first * second < 0)).sum(axis=1) / np.maximum(compared, 1)
    told = (compared >= _LEAST_COMPARED) & (edges.max(axis=1) <= _FURTHEST)
    return np.where(told, apart, 1.0)


def _way(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """float32 [n, 4]: stretch and shift across and down that lead from one to the other.

    One step of least squares on their slopes (Lucas & Kanade 1981), each image going half
    the way; on sketches, a second step adds nothing.
    """
    across, down = ((one[..., axis] + other[..., axis]) / 2 for axis in (1, 2))
    columns, rows = np.tile(_PLACES, _POINTS), np.repeat(_PLACES, _POINTS)
    causes = np.stack([across * columns, across, down * rows, down, one[..., 0]], axis=-1)
    turned = causes.transpose(0, 2, 1)
    normal = turned @ causes + _STIFFNESS * np.eye(5, dtype=np.float32)
    return np.linalg.solve(normal, turned @ other[..., :1])[:, :4, 0]


def _seen(sketches: np.ndarray, move: np.ndarray) -> np.ndarray:
    """float32 [n, points², 3]: values, with mean 0 and length 1, and slopes across and down.

    A sketch is a sum of waves: moved, it is not resampled but evaluated at other places.
    """
    across, slope_across = _waves(move[:, 0], move[:, 1])
    down, slope_down = (waves.transpose(0, 2, 1) for waves in _waves(move[:, 2], move[:, 3]))
    along = sketches @ across
    parts = [down @ along, down @ (sketches @ slope_across), slope_down @ along]
    seen = np.stack([part.reshape(-1, _POINTS**2) for part in parts], axis=-1)
    seen[..., 0] -= seen[..., 0].mean(axis=1, keepdims=True)
    length = np.linalg.norm(seen[..., 0], axis=1)
    return seen / np.maximum(length, 1e-9)[:, np.newaxis, np.newaxis]


def _waves(stretch: np.ndarray, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float32 [n, 13, points] twice: cosines at the moved places, and their slopes there."""
    moved = 0.5 + _PLACES + stretch[:, np.newaxis] * _PLACES + shift[:, np.newaxis]
    angles = _HALF_TURNS * moved[:, np.newaxis]
    size = np.ones((FREQUENCIES, 1), np.float32)
    size[0] = np.sqrt(0.5)  # as the transform that they undo
    return size * np.cos(angles), -_HALF_TURNS * np.sin(angles)


def _numbers(seen: np.ndarray) -> np.ndarray:
    """float32 [n, 168]: the sketch of what is seen, the largest 1."""
    waves = np.cos(_HALF_TURNS * (0.5 + _GRID))
    numbers = waves @ seen[..., 0].reshape(-1, _POINTS, _POINTS) @ waves.T
    numbers = numbers.reshape(-1, FREQUENCIES**2)[:, 1:]
    return numbers / np.maximum(np.abs(numbers).max(axis=1, keepdims=True), 1e-9)
