"""Lay one image over another, and measure how much their outlines differ then."""

import numpy as np

from data_pipeline.near_duplicates.sketch import OUTLINE

_POINTS = OUTLINE + 2
_GRID = ((np.arange(_POINTS) + 0.5) / _POINTS - 0.5).astype(np.float32)
# Both images are compared without their borders: a moved image has no values beyond its own.
_PLACES = 0.95 * _GRID
_WAVES = np.arange(OUTLINE, dtype=np.float32)[:, np.newaxis]
# As a share of the width or height. Cropping by 3 % moves each edge by 0.03, which is measured
# as up to 0.04.
_FURTHEST = 0.05
# Keeps an image that does not change along one axis from being moved along it without limit.
_STIFFNESS = 1e-4
# As a share of an image's largest number. The signs of smaller ones come from rounding and
# clipping.
_LEAST_NUMBER = 0.01
# Where fewer numbers can be compared, images of one kind cannot be told from copies.
_LEAST_COMPARED = 64


def motion(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Find the stretch and shift that lead from one image to another, small ones at best.

    One step of least squares on their slopes (Lucas & Kanade 1981), each image moved by half;
    on sketches, a second step changes nothing.

    Args:
        first: outlines, [n, 13, 13].
        second: the outlines to lay over them, [n, 13, 13].

    Returns:
        float32 [n, 4]: stretch and shift across and down, as shares of the width and height.
    """
    still = np.zeros((len(first), 4), np.float32)
    ours, theirs = _moved(first, still), _moved(second, still)
    across, down = ((ours[..., axis] + theirs[..., axis]) / 2 for axis in (1, 2))
    columns, rows = np.tile(_PLACES, _POINTS), np.repeat(_PLACES, _POINTS)
    causes = np.stack([across * columns, across, down * rows, down, ours[..., 0]], axis=-1)
    transposed = causes.transpose(0, 2, 1)
    normal = transposed @ causes + _STIFFNESS * np.eye(5, dtype=np.float32)
    return np.linalg.solve(normal, transposed @ theirs[..., :1])[:, :4, 0]


def difference(first: np.ndarray, second: np.ndarray, moved_by: np.ndarray) -> np.ndarray:
    """Return the share of numbers that differ in sign once one image is laid over the other.

    Signs and not values, so that all numbers count alike: most of what varies in pages of text
    is the block of text, which different pages have in common.

    Args:
        first: outlines, [n, 13, 13].
        second: the outlines to compare them with, [n, 13, 13].
        moved_by: what `motion` found, [n, 4].

    Returns:
        float [n], from 0 for copies to 0.5 for unrelated images; 1 where the images had to be
        moved further than cropping by 3 % moves them, or have too few details to tell.
    """
    edges = np.abs(moved_by[:, [1, 3]]) + np.abs(moved_by[:, [0, 2]]) / 2
    ours, theirs = _numbers(_moved(first, moved_by / 2)), _numbers(_moved(second, -moved_by / 2))
    sure = np.minimum(np.abs(ours), np.abs(theirs)) >= _LEAST_NUMBER
    compared = sure.sum(axis=1)
    apart = (sure & (ours * theirs < 0)).sum(axis=1) / np.maximum(compared, 1)
    comparable = (compared >= _LEAST_COMPARED) & (edges.max(axis=1) <= _FURTHEST)
    return np.where(comparable, apart, 1.0)


def cosines(
    stretch: np.ndarray, shift: np.ndarray, *, frequencies: int, places: np.ndarray
) -> np.ndarray:
    """Evaluate waves at moved places.

    A sketch is a sum of waves. So moving it needs no resampling: it is evaluated at other places.

    Args:
        stretch, shift: float32 [n] each, one axis of what `motion` found.
        frequencies: how many waves, from the mean on.
        places: float32 [points], -0.5 to 0.5.

    Returns:
        float32 [n, frequencies, points].
    """
    return _cosines(_angles(stretch, shift, frequencies, places))


def _cosines(angles: np.ndarray) -> np.ndarray:
    waves = np.cos(angles)
    waves[:, 0] *= np.sqrt(0.5)  # As in the transform that the waves undo.
    return waves


def _angles(
    stretch: np.ndarray, shift: np.ndarray, frequencies: int, places: np.ndarray
) -> np.ndarray:
    moved = 0.5 + places + stretch[:, np.newaxis] * places + shift[:, np.newaxis]
    half_turns = np.pi * np.arange(frequencies, dtype=np.float32)[:, np.newaxis]
    return half_turns * moved[:, np.newaxis].astype(np.float32)


def _moved(sketches: np.ndarray, moved_by: np.ndarray) -> np.ndarray:
    """float32 [n, points², 3]: values, with mean 0 and length 1, and slopes across and down."""
    sketches = np.asarray(sketches, np.float32)
    across, slope_across = _waves(moved_by[:, 0], moved_by[:, 1])
    down, slope_down = (waves.transpose(0, 2, 1) for waves in _waves(*moved_by[:, 2:].T))
    along = sketches @ across
    parts = [down @ along, down @ (sketches @ slope_across), slope_down @ along]
    moved = np.stack([part.reshape(-1, _POINTS**2) for part in parts], axis=-1)
    moved[..., 0] -= moved[..., 0].mean(axis=1, keepdims=True)
    length = np.linalg.norm(moved[..., 0], axis=1)
    return moved / np.maximum(length, 1e-9)[:, np.newaxis, np.newaxis]


def _waves(stretch: np.ndarray, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float32 [n, 13, points] twice: cosines at the moved places, and their slopes there."""
    angles = _angles(stretch, shift, OUTLINE, _PLACES)
    slopes = -np.pi * _WAVES * np.sin(angles)
    return _cosines(angles), slopes


def _numbers(moved: np.ndarray) -> np.ndarray:
    """float32 [n, 168]: the sketches of moved images, the largest number of each 1."""
    waves = np.cos(np.pi * _WAVES * (0.5 + _GRID))
    numbers = waves @ moved[..., 0].reshape(-1, _POINTS, _POINTS) @ waves.T
    numbers = numbers.reshape(-1, OUTLINE**2)[:, 1:]
    return numbers / np.maximum(np.abs(numbers).max(axis=1, keepdims=True), 1e-9)
