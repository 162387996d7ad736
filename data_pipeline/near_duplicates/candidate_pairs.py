"""Find pairs of sketches that are worth comparing: those that may have the same key."""

from collections.abc import Iterator

import numpy as np

from data_pipeline.near_duplicates.sketch import OUTLINE, frequency

Pairs = tuple[np.ndarray, np.ndarray]
"""Indices of the first and of the second sketch of each pair, each int64 [pairs]."""

_SIGNS = 64
# Copies differ in 6 of 64 signs, the worst of 2,000 in 18. Different photos differ in 32, few
# in less than 18.
_MOST_SIGNS_APART = 18
# A key is made of the signs that change least. Signs of numbers close to 0 may be different in
# a copy: for each sketch, keys with any of its 6 least certain signs flipped are looked up too.
_KEYS = 3
_UNSURE = 6
_PROBES = _KEYS * 2**_UNSURE
# Where so many sketches share a key, all images look alike (X-rays, say), and a longer key is
# needed to separate them.
_LENGTHS = (14, 16, 20, 24, 28, 32)
_MOST_PAIRED = 2048
_CHUNK = 2**18


def candidate_pairs(flat: np.ndarray, asking: int | None = None) -> Iterator[Pairs]:
    """Find pairs that may be copies; a pair may come several times.

    Keys are signs of projections, and neighbouring keys are looked up as well (Lv et al. 2007,
    "Multi-probe LSH"). The projections are the outline's own numbers.

    Args:
        flat: int8 [n, 169], outlines as rows.
        asking: for so many sketches, from the first on, pairs are looked for, among all; None
            for all.
    """
    coarse_first = np.argsort(frequency()[:OUTLINE, :OUTLINE].ravel(), kind="stable")[1:]
    packed = np.packbits(flat[:, coarse_first[:_SIGNS]] > 0, axis=1)
    signs = np.ascontiguousarray(packed).view(np.uint64)[:, 0]
    for number in range(_KEYS):
        columns = coarse_first[number::_KEYS]
        for seekers, order, starts, counts in _lookups(flat, columns, asking or len(flat)):
            for left, right in _places(starts, counts):
                first, second = seekers[left], order[right]
                apart = np.bitwise_count(signs[first] ^ signs[second])
                near = (apart <= _MOST_SIGNS_APART) & (first != second)
                yield first[near], second[near]


def _lookups(
    flat: np.ndarray, columns: np.ndarray, asking: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Those that ask, all sketches in the order of their keys, and who is paired with which.

    That is given as the first place in that order and the number of places, int64 [asking] each,
    once per probe.
    """
    for length in _LENGTHS:
        bits = 1 << np.arange(length)
        values = flat[:, columns[:length]]
        keys = (values > 0) @ bits
        distinct, crowds = np.unique(keys, return_counts=True)
        crowded = _PROBES * (crowds.astype(float) ** 2).sum() > _MOST_PAIRED * len(flat)
        if not crowded:
            break
    most = np.minimum(crowds, _MOST_PAIRED // _PROBES) if crowded else crowds
    starts = np.cumsum(crowds) - crowds
    order = np.argsort(keys, kind="stable")
    seekers = order[order < asking]
    keys = keys[seekers]
    unsure = bits[np.argsort(np.abs(values[seekers]), axis=1)[:, :_UNSURE]]
    for probe in range(2**_UNSURE):
        flipped = [bool(probe >> place & 1) for place in range(_UNSURE)]
        wanted = keys ^ unsure[:, flipped].sum(axis=1)
        place = np.minimum(np.searchsorted(distinct, wanted), len(distinct) - 1)
        yield seekers, order, starts[place], np.where(distinct[place] == wanted, most[place], 0)


def _places(first: np.ndarray, counts: np.ndarray) -> Iterator[Pairs]:
    """Pair each place with `counts` places from its `first` on, in chunks to bound memory."""
    ends = np.cumsum(counts)
    cuts = np.searchsorted(ends, np.arange(_CHUNK, ends[-1], _CHUNK))
    for part in np.split(np.arange(len(first)), cuts):
        repeats = counts[part]
        left = np.repeat(part, repeats)
        begins = np.cumsum(repeats) - repeats
        yield left, np.arange(len(left)) + np.repeat(first[part] - begins, repeats)
