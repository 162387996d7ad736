"""Find pairs of images of which one is a copy of the other: resized, cropped, mirrored."""

from collections.abc import Iterator

import numpy as np

from data_pipeline.near_duplicates.alignment import difference, motion
from data_pipeline.near_duplicates.candidate_pairs import COARSE, candidate_pairs, coarse_numbers
from data_pipeline.near_duplicates.detail import Details
from data_pipeline.near_duplicates.joined import joined
from data_pipeline.near_duplicates.sketch import OUTLINE
from data_pipeline.near_duplicates.stored_sketches import (
    SketchSource,
    SomeSketches,
    WithMirrored,
)

# Measured on 2,000 copies, each cropped by 3 % on every side, halved, recompressed and up to
# 1.3 times as bright: two correlate less, and one differs more when laid over its image. Of 32
# million pairs of different photos 730 correlate so well, and each of these differs by at
# least 0.22.
_LEAST_CORRELATION = 0.55
_MOST_DIFFERENT = 0.17
# Per image, only so many of its pairs are compared in full, of which half may be mirrored ones.
_MOST_COMPARED = 8
# Where all that are compared with an image may be of its own group, others are looked for once
# more: for so many images of the group, among those of other groups.
_COMPARED_AGAIN = 3
_CHUNK = 1024
_PART = 2**14  # sketches that are read at the same time
_MOST_WAITING = 2**20  # pairs, whose correlation is measured together


def copy_pairs(sketches: SketchSource) -> np.ndarray:
    """Find copies without comparing every image with every other.

    Candidates that correlate are laid over one another: if a small shift and stretch does not
    explain the difference, or their details or colours differ then, they are different images.

    Sketches are read a part at a time, and candidates are reduced as they come. What is held for
    all images are about 200 bytes each, and up to 8 pairs where images look alike.

    Args:
        sketches: no two the same.

    Returns:
        int64 [pairs, 2]: for many copies of one image not every pair, but enough pairs to
        link all of them.
    """
    pairs = _pairs_of_closest(sketches)
    while True:
        ids = joined(np.arange(len(sketches)), pairs)
        some = _of_groups(ids)
        found = some[_pairs_of_closest(SomeSketches(sketches, some))]
        between = found[ids[found[:, 0]] != ids[found[:, 1]]]
        if not len(between):
            return pairs
        pairs = np.concatenate([pairs, between])


def _of_groups(ids: np.ndarray) -> np.ndarray:
    """A few images of each group that has enough to take up all comparisons of its own."""
    sizes = np.bincount(ids, minlength=len(ids))[ids]
    members = np.flatnonzero(sizes > _MOST_COMPARED // 2)
    members = members[np.argsort(ids[members], kind="stable")]
    of = ids[members]
    place = np.arange(len(of)) - np.searchsorted(of, of)
    # The first, the last and what is between them, spread.
    steps = (sizes[members] - 1) * np.arange(_COMPARED_AGAIN)[:, np.newaxis]
    return np.sort(members[(place == steps // (_COMPARED_AGAIN - 1)).any(axis=0)])


def _pairs_of_closest(sketches: SketchSource) -> np.ndarray:
    """Find copies among the closest of each image: int64 [pairs, 2]."""
    count = len(sketches)
    if count < 2:
        return np.empty((0, 2), np.int64)
    both = WithMirrored(sketches)
    coarse = np.empty((count, COARSE), np.int8)
    for rows in _parts(np.arange(count)):
        coarse[rows] = coarse_numbers(both.rows(rows).outline)
    pairs = _closest_candidates(both, coarse)
    details = Details(both)
    chunks = np.array_split(pairs, -(-len(pairs) // _CHUNK) or 1)
    found = np.concatenate([part[_are_copies(both, details, part)] for part in chunks])
    return np.unique(np.sort(found % count, axis=1), axis=0)


def _closest_candidates(both: WithMirrored, coarse: np.ndarray) -> np.ndarray:
    """Find the pairs that are worth comparing in full: int64 [pairs, 2]."""
    count, total = both.images, len(both)
    pairs, correlation = np.empty(0, np.int64), np.empty(0, np.float32)
    waiting, size = [], 0
    for first, second in candidate_pairs(coarse, mirrored=True):
        # A pair is one number here. It is not an image and itself mirrored.
        numbers = np.minimum(first, second) * total + np.maximum(first, second)
        waiting.append(numbers[first != second % count])
        size += len(waiting[-1])
        # The same pair comes for many keys. Once many are known, more are taken together.
        if size > max(_MOST_WAITING, len(pairs)):
            pairs, correlation = _with(both, pairs, correlation, waiting)
            waiting, size = [], 0
    pairs, _ = _with(both, pairs, correlation, waiting)
    return np.stack(np.divmod(pairs, total), axis=1)


def _with(
    both: WithMirrored, pairs: np.ndarray, correlation: np.ndarray, waiting: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Add candidates that correlate to the closest pairs so far."""
    if not waiting:
        return pairs, correlation
    new = np.setdiff1d(np.concatenate(waiting), pairs)
    value = np.zeros(len(new), np.float32)
    for part in _parts(np.arange(len(new))):
        value[part] = _correlation(both, *np.divmod(new[part], len(both)))
    enough = value >= _LEAST_CORRELATION
    pairs = np.concatenate([pairs, new[enough]])
    correlation = np.concatenate([correlation, value[enough]])
    # As all pairs sorted have it, so that of equally close ones the same are kept.
    order = np.argsort(pairs)
    return _closest(pairs[order], correlation[order], len(both))


def _parts(rows: np.ndarray) -> Iterator[np.ndarray]:
    """Cut rows into parts that are read at the same time."""
    return (rows[first : first + _PART] for first in range(0, len(rows), _PART))


def _are_copies(both: WithMirrored, details: Details, pairs: np.ndarray) -> np.ndarray:
    """Bool [pairs]."""
    first, second = (both.rows(side).outline for side in pairs.T)
    moved_by = motion(first, second)
    alike = difference(first, second, moved_by) <= _MOST_DIFFERENT
    alike[alike] = details.agree(pairs[alike], moved_by[alike])
    return alike


def _correlation(both: WithMirrored, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """float32 [pairs]."""
    ours, theirs = (
        both.rows(side).outline.reshape(-1, OUTLINE**2).astype(np.float32)
        for side in (first, second)
    )
    correlation = (ours * theirs).sum(axis=1)
    return np.asarray(correlation / (np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)))


def _closest(
    pairs: np.ndarray, correlation: np.ndarray, total: int
) -> tuple[np.ndarray, np.ndarray]:
    """Keep a pair only if it is among the closest pairs of one of its images."""
    ends = np.concatenate(np.divmod(pairs, total))
    order = np.lexsort((-np.tile(correlation, 2), ends))
    starts = np.searchsorted(ends[order], ends[order])
    kept = np.zeros(len(pairs), bool)
    kept[order[np.arange(len(order)) - starts < _MOST_COMPARED] % max(1, len(pairs))] = True
    return pairs[kept], correlation[kept]
