"""Find pairs of images of which one is a copy of the other: resized, cropped, mirrored."""

import numpy as np

from data_pipeline.near_duplicates.alignment import difference, motion
from data_pipeline.near_duplicates.candidate_pairs import candidate_pairs
from data_pipeline.near_duplicates.detail import Details
from data_pipeline.near_duplicates.sketch import Sketches

# Measured on 2,000 copies, each cropped by 3 % on every side, halved, recompressed and up to
# 1.3 times as bright: two correlate less, and one differs more when laid over its image. Of 32
# million pairs of different photos 730 correlate so well, and each of these differs by at
# least 0.22.
_LEAST_CORRELATION = 0.55
_MOST_DIFFERENT = 0.17
# Per image, only so many of its pairs are compared in full: enough to link all of its copies.
_MOST_COMPARED = 8
_CHUNK = 1024


def copy_pairs(sketches: Sketches) -> np.ndarray:
    """Find copies without comparing every image with every other.

    Candidates that correlate are laid over one another: if a small shift and stretch does not
    explain the difference, or their details or colours differ then, they are different images.

    Args:
        sketches: no two the same.

    Returns:
        int64 [pairs, 2]: for many copies of one image not every pair, but enough pairs to
        link all of them.
    """
    count = len(sketches)
    if count < 2:
        return np.empty((0, 2), np.int64)
    # Mirrored images come after all others.
    both = sketches.with_mirrored()
    outlines = both.outline
    flat = outlines.reshape(2 * count, -1)
    # Reduced per chunk of candidates, so that memory stays bounded, and then once over all.
    closest = [
        _closest(*_of_two(*_correlated(flat, *chunk), count))
        for chunk in candidate_pairs(flat, count)
    ]
    pairs, _ = _closest(*(np.concatenate(parts) for parts in zip(*closest, strict=True)))
    details = Details(both)
    chunks = np.array_split(pairs, -(-len(pairs) // _CHUNK) or 1)
    found = np.concatenate([part[_are_copies(outlines, details, part)] for part in chunks])
    return np.unique(np.sort(found % count, axis=1), axis=0)


def _of_two(
    pairs: np.ndarray, correlation: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Leave out an image and itself mirrored."""
    kept = pairs[:, 0] != pairs[:, 1] % count
    return pairs[kept], correlation[kept]


def _are_copies(outlines: np.ndarray, details: Details, pairs: np.ndarray) -> np.ndarray:
    """Bool [pairs]."""
    first, second = outlines[pairs[:, 0]], outlines[pairs[:, 1]]
    moved_by = motion(first, second)
    alike = difference(first, second, moved_by) <= _MOST_DIFFERENT
    alike[alike] = details.agree(pairs[alike], moved_by[alike])
    return alike


def _correlated(
    flat: np.ndarray, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Keep pairs that correlate: int64 [pairs, 2], the smaller index first, float32 [pairs]."""
    ours, theirs = flat[first].astype(np.float32), flat[second].astype(np.float32)
    correlation = (ours * theirs).sum(axis=1)
    correlation /= np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    enough = correlation >= _LEAST_CORRELATION
    pairs = np.sort(np.stack([first, second], axis=1)[enough], axis=1)
    return pairs, correlation[enough]


def _closest(pairs: np.ndarray, correlation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keep each pair once, and only if it is among the closest pairs of one of its images."""
    pairs, first = np.unique(pairs, axis=0, return_index=True)
    correlation = correlation[first]
    ends = pairs.T.ravel()
    order = np.lexsort((-np.tile(correlation, 2), ends))
    starts = np.searchsorted(ends[order], ends[order])
    kept = np.zeros(len(pairs), bool)
    kept[order[np.arange(len(order)) - starts < _MOST_COMPARED] % max(1, len(pairs))] = True
    return pairs[kept], correlation[kept]
