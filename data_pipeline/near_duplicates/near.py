"""Pairs of images of which one is a copy of the other: resized, cropped, brightened."""

import numpy as np

from data_pipeline.near_duplicates.alignment import difference
from data_pipeline.near_duplicates.candidate_pairs import meetings

# Of 2,000 copies measured, each cropped by 3 % on every side, halved, recompressed and up to 1.3
# times as bright, two correlate less, and one differs more when laid over its image. Of 32
# million pairs of different photos 730 correlate so well, and none of these differs by less
# than 0.22.
_LEAST_CORRELATION = 0.55
_MOST_DIFFERENT = 0.17
# Images that one is laid over: enough to chain any number of its copies.
_MOST_LAID_OVER = 8
_CHUNK = 1024


def near_pairs(sketches: np.ndarray) -> np.ndarray:
    """Find copies, without comparing each image with each.

    Those that meet and correlate are laid over one another: what a small shift and stretch
    does not explain is another image.

    Args:
        sketches: int8 [n, 13, 13] as `read_sketches` gives them, each unlike the others.

    Returns:
        int64 [pairs, 2]: of many copies of one image not each pair, but enough pairs to
        link them all.
    """
    if len(sketches) < 2:
        return np.empty((0, 2), np.int64)
    flat = sketches.reshape(len(sketches), -1)
    found = [_closest(*_correlated(flat, *met)) for met in meetings(flat)]
    pairs, _ = _closest(*(np.concatenate(parts) for parts in zip(*found, strict=True)))
    chunks = np.array_split(pairs, -(-len(pairs) // _CHUNK) or 1)
    apart = [difference(sketches[part[:, 0]], sketches[part[:, 1]]) for part in chunks]
    return pairs[np.concatenate(apart) <= _MOST_DIFFERENT]


def _correlated(
    flat: np.ndarray, one: np.ndarray, other: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """int64 [pairs, 2], the smaller index first, and their correlations, float32 [pairs]."""
    first, second = flat[one].astype(np.float32), flat[other].astype(np.float32)
    correlation = (first * second).sum(axis=1)
    correlation /= np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    enough = correlation >= _LEAST_CORRELATION
    pairs = np.sort(np.stack([one, other], axis=1)[enough], axis=1)
    return pairs, correlation[enough]


def _closest(pairs: np.ndarray, correlation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each pair once, and only if it is among the closest of either of its images."""
    pairs, first = np.unique(pairs, axis=0, return_index=True)
    correlation = correlation[first]
    ends = pairs.T.ravel()
    order = np.lexsort((-np.tile(correlation, 2), ends))
    starts = np.searchsorted(ends[order], ends[order])
    among = np.zeros(len(pairs), bool)
    among[order[np.arange(len(order)) - starts < _MOST_LAID_OVER] % max(1, len(pairs))] = True
    return pairs[among], correlation[among]
