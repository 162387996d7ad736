"""Which images are the same, or nearly: exactly by pixels, nearly by sketch."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from weakref import WeakKeyDictionary

import numpy as np

from data_pipeline.catalog.entries import Catalog
from data_pipeline.near_duplicates.near import near_pairs
from data_pipeline.near_duplicates.sketch import read_sketches

Group = tuple[int, ...]
"""Indices into `catalog.kept`, ascending, two or more."""

# A near-duplicate group beyond this share of all images says that they look alike as a
# kind (X-rays, scans), not that they are copies: dealt whole, it would leave no split.
_LARGEST_SHARE = 0.1
_LARGEST_AT_LEAST = 20

_known: WeakKeyDictionary[Catalog, np.ndarray] = WeakKeyDictionary()


def exact_groups(catalog: Catalog) -> list[Group]:
    """Images with the same upright pixels, whatever their files and labels."""
    by_pixels: dict[str, list[int]] = defaultdict(list)
    for index, entry in enumerate(catalog.kept):
        by_pixels[entry.pixel_hash].append(index)
    return [tuple(group) for group in by_pixels.values() if len(group) > 1]


def near_groups(catalog: Catalog) -> list[Group]:
    """Images linked by sketches of which one is a copy of the other, exact copies included.

    A group with nothing but exact copies of one image is not listed here. Their likeness
    is a guess, good enough to keep them in one split and no more: nothing is dropped on it.
    """
    return [
        group
        for group in _members(group_ids(catalog))
        if len({catalog.kept[index].pixel_hash for index in group}) > 1
    ]


def label_conflicts(catalog: Catalog) -> list[Group]:
    """Exact copies that stand under different labels."""
    return [
        group
        for group in exact_groups(catalog)
        if len({catalog.kept[index].label for index in group}) > 1
    ]


def group_ids(catalog: Catalog) -> np.ndarray:
    """int64 [len(kept)]: the first index of each image's group, exact and near taken together.

    Worked out once for a catalog, since several ask for it; not to be written to.
    """
    if catalog not in _known:
        _known[catalog] = _grouped(catalog)
        _known[catalog].flags.writeable = False
    return _known[catalog]


def _grouped(catalog: Catalog) -> np.ndarray:
    size = len(catalog.kept)
    exact = _join(size, ((group[0], other) for group in exact_groups(catalog) for other in group))
    near = _join(size, _near_links(catalog), start=exact)
    counts = np.bincount(near, minlength=size)
    largest = max(_LARGEST_AT_LEAST, int(_LARGEST_SHARE * size))
    return np.where(counts[near] > largest, exact, near)


def _near_links(catalog: Catalog) -> Iterator[tuple[int, int]]:
    """Links between images of the same sketch, and between copies."""
    by_sketch: dict[str, list[int]] = defaultdict(list)
    for index, entry in enumerate(catalog.kept):
        if entry.sketch:
            by_sketch[entry.sketch].append(index)
    for group in by_sketch.values():
        yield from ((group[0], other) for other in group[1:])
    firsts = [group[0] for group in by_sketch.values()]
    for one, other in near_pairs(read_sketches(list(by_sketch))).tolist():
        yield firsts[one], firsts[other]


def _join(
    size: int, links: Iterable[tuple[int, int]], *, start: np.ndarray | None = None
) -> np.ndarray:
    """int64 [size]: the smallest index that links lead to from each (union-find)."""
    parent = list(range(size)) if start is None else start.tolist()

    def top(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for one, other in links:
        low, high = sorted((top(one), top(other)))
        parent[high] = low
    return np.array([top(index) for index in range(size)], np.int64)


def _members(ids: np.ndarray) -> list[Group]:
    """The groups of two or more."""
    members: dict[int, list[int]] = defaultdict(list)
    for index, group in enumerate(ids.tolist()):
        members[group].append(index)
    return [tuple(group) for group in members.values() if len(group) > 1]
