"""Which pictures are the same, or nearly: exactly by pixels, nearly by perceptual hash."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np

from data_pipeline.catalog import Catalog

Group = tuple[int, ...]
"""Indices into `catalog.kept`, ascending, two or more."""

# Different photos measured 12 bits and more apart, resized and recompressed copies at most 2.
NEAR_BITS = 4
_BANDS = NEAR_BITS + 1
# A near-duplicate group beyond this share of all pictures says that they look alike as a
# kind (X-rays, scans), not that they are copies: dealt whole, it would leave no split.
_LARGEST_SHARE = 0.1
_LARGEST_AT_LEAST = 20


def exact_groups(catalog: Catalog) -> list[Group]:
    """Pictures with the same upright pixels, whatever their files and labels."""
    by_pixels: dict[str, list[int]] = defaultdict(list)
    for index, entry in enumerate(catalog.kept):
        by_pixels[entry.pixel_hash].append(index)
    return [tuple(group) for group in by_pixels.values() if len(group) > 1]


def near_groups(catalog: Catalog) -> list[Group]:
    """Pictures linked by perceptual hashes at most `NEAR_BITS` apart, exact copies included.

    A group with nothing but exact copies of one picture is not listed here. Their likeness
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
    """int64 [len(kept)]: the first index of each picture's group, exact and near taken together."""
    size = len(catalog.kept)
    exact = _join(size, ((group[0], other) for group in exact_groups(catalog) for other in group))
    near = _join(size, _near_links(catalog), start=exact)
    counts = np.bincount(near, minlength=size)
    largest = max(_LARGEST_AT_LEAST, int(_LARGEST_SHARE * size))
    return np.where(counts[near] > largest, exact, near)


def near_pairs(hashes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Find all pairs at most `NEAR_BITS` apart, without comparing each with each.

    Two hashes that differ in 4 bits agree in one of 5 bands: only what shares a band is
    compared (Norouzi et al. 2012, "Fast search in Hamming space with multi-index hashing").

    Args:
        hashes: uint64 [n], each different from the others.

    Yields:
        Arrays of first and of second indices; a pair may come more than once.
    """
    width = -(-64 // _BANDS)
    for band in range(_BANDS):
        keys = (hashes >> np.uint64(band * width)) & np.uint64((1 << width) - 1)
        order = np.argsort(keys, kind="stable")
        keys, ordered = keys[order], hashes[order]
        start, distance = np.arange(len(hashes)), 0
        while len(start):
            distance += 1
            start = start[start + distance < len(hashes)]
            # Equal keys are neighbours: who has no equal at this distance has none further.
            start = start[keys[start] == keys[start + distance]]
            apart = np.bitwise_count(ordered[start] ^ ordered[start + distance])
            close = start[apart <= NEAR_BITS]
            yield order[close], order[close + distance]


def _near_links(catalog: Catalog) -> Iterator[tuple[int, int]]:
    """Links between pictures whose looks are at most `NEAR_BITS` apart."""
    by_looks: dict[str, list[int]] = defaultdict(list)
    for index, entry in enumerate(catalog.kept):
        if entry.perceptual_hash:
            by_looks[entry.perceptual_hash].append(index)
    for group in by_looks.values():
        yield from ((group[0], other) for other in group[1:])
    firsts = [group[0] for group in by_looks.values()]
    hashes = np.array([int(looks, 16) for looks in by_looks], np.uint64)
    for one, other in near_pairs(hashes):
        yield from ((firsts[i], firsts[j]) for i, j in zip(one, other, strict=True))


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
