"""Group images that are the same: exactly, by their pixels, or nearly, by their sketches."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from weakref import WeakKeyDictionary

import numpy as np

from data_pipeline.catalog.entries import Catalog
from data_pipeline.near_duplicates.copy_pairs import copy_pairs
from data_pipeline.near_duplicates.sketch import read_sketches

Group = tuple[int, ...]
"""Two or more indices into `catalog.kept`, ascending."""

# A larger group of near-duplicates (the frames of a video, say) leaves nothing to be dealt: most
# classes would be in one split alone.
_LARGEST_SHARE = 0.1
_LARGEST_AT_LEAST = 20

_copies: WeakKeyDictionary[Catalog, np.ndarray] = WeakKeyDictionary()
_groups: WeakKeyDictionary[Catalog, np.ndarray] = WeakKeyDictionary()


def exact_groups(catalog: Catalog) -> list[Group]:
    """Group images with the same upright pixels, whatever their files and labels."""
    by_pixels: dict[str, list[int]] = defaultdict(list)
    for index, entry in enumerate(catalog.kept):
        by_pixels[entry.pixel_hash].append(index)
    return [tuple(group) for group in by_pixels.values() if len(group) > 1]


def near_groups(catalog: Catalog) -> list[Group]:
    """Group images that their sketches show to be copies, exact copies included.

    A group of exact copies alone is not listed here. Near copies are a guess, good enough to
    keep them in one split; no image is ever dropped because of it.
    """
    return [
        group
        for group in _members(copy_ids(catalog))
        if len({catalog.kept[index].pixel_hash for index in group}) > 1
    ]


def label_conflicts(catalog: Catalog) -> list[Group]:
    """Find the groups of exact copies that have different labels."""
    return [
        group
        for group in exact_groups(catalog)
        if len({catalog.kept[index].label for index in group}) > 1
    ]


def group_ids(catalog: Catalog) -> np.ndarray:
    """Return the group that each image is dealt with: its copies, and what the data set says.

    Of `large_groups` only exact copies are dealt together. Computed once per catalog.

    Returns:
        int64 [len(kept)], read-only: the smallest index in the image's group.
    """
    return _once(_groups, catalog, _dealt_together)


def related_ids(catalog: Catalog) -> np.ndarray:
    """Return the group of each image: all its copies, and what the data set puts into one group.

    Returns:
        int64 [len(kept)]: the smallest index in the image's group.
    """
    return _join(len(catalog.kept), _given_links(catalog), start=copy_ids(catalog))


def large_groups(catalog: Catalog) -> list[Group]:
    """List the groups of copies that are too large for one split, and are dealt over several."""
    dealt, largest = group_ids(catalog), _largest(catalog)
    groups = [group for group in _members(copy_ids(catalog)) if len(group) > largest]
    return [group for group in groups if len(set(dealt[list(group)].tolist())) > 1]


def copy_ids(catalog: Catalog) -> np.ndarray:
    """Return the group of each image, exact and near copies together.

    Computed once per catalog, since several callers need it.

    Returns:
        int64 [len(kept)], read-only: the smallest index in the image's group.
    """
    return _once(_copies, catalog, _copied)


def _once(
    known: WeakKeyDictionary[Catalog, np.ndarray],
    catalog: Catalog,
    compute: Callable[[Catalog], np.ndarray],
) -> np.ndarray:
    if catalog not in known:
        known[catalog] = compute(catalog)
        known[catalog].flags.writeable = False
    return known[catalog]


def _dealt_together(catalog: Catalog) -> np.ndarray:
    copies, size = copy_ids(catalog), len(catalog.kept)
    small = np.bincount(copies, minlength=size)[copies] <= _largest(catalog)
    together = np.where(small, copies, _exact_ids(catalog))
    return _join(size, _given_links(catalog), start=together)


def _largest(catalog: Catalog) -> int:
    return max(_LARGEST_AT_LEAST, int(_LARGEST_SHARE * len(catalog.kept)))


def _copied(catalog: Catalog) -> np.ndarray:
    return _join(len(catalog.kept), _near_links(catalog), start=_exact_ids(catalog))


def _exact_ids(catalog: Catalog) -> np.ndarray:
    groups = exact_groups(catalog)
    return _join(len(catalog.kept), ((group[0], other) for group in groups for other in group))


def _given_links(catalog: Catalog) -> Iterator[tuple[int, int]]:
    """Links between images that the data set says to have something in common."""
    firsts: dict[str, int] = {}
    for index, entry in enumerate(catalog.kept):
        if entry.group:
            yield firsts.setdefault(entry.group, index), index


def _near_links(catalog: Catalog) -> Iterator[tuple[int, int]]:
    """Find links between images with the same sketch, and between copies."""
    by_sketch: dict[str, list[int]] = defaultdict(list)
    for index, entry in enumerate(catalog.kept):
        if entry.sketch:
            by_sketch[entry.sketch].append(index)
    for group in by_sketch.values():
        yield from ((group[0], other) for other in group[1:])
    firsts = [group[0] for group in by_sketch.values()]
    for first, second in copy_pairs(read_sketches(list(by_sketch))).tolist():
        yield firsts[first], firsts[second]


def _join(
    size: int, links: Iterable[tuple[int, int]], *, start: np.ndarray | None = None
) -> np.ndarray:
    """int64 [size]: for each index the smallest that links lead to (union-find)."""
    parent = list(range(size)) if start is None else start.tolist()

    def top(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for first, second in links:
        low, high = sorted((top(first), top(second)))
        parent[high] = low
    return np.array([top(index) for index in range(size)], np.int64)


def _members(ids: np.ndarray) -> list[Group]:
    """Return the groups of two or more images."""
    members: dict[int, list[int]] = defaultdict(list)
    for index, group in enumerate(ids.tolist()):
        members[group].append(index)
    return [tuple(group) for group in members.values() if len(group) > 1]
