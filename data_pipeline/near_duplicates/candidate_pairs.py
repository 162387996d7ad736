"""Which sketches to compare with which: those that may have the same key."""

from collections.abc import Iterator

import numpy as np

from data_pipeline.near_duplicates.sketch import frequency

Meetings = tuple[np.ndarray, np.ndarray]
"""Indices of sketches and of those they meet, each int64 [meetings]."""

_SIGNS = 64
# Copies differ in 6 signs, the worst of 2,000 in 18; different photos in 32, few in under 18.
_MOST_SIGNS_APART = 18
# A key is made of the steadiest signs. Those of the numbers next to 0 may be others in a copy.
_KEYS = 3
_UNSURE = 6
_PROBES = _KEYS * 2**_UNSURE
# Where so many share a key, the images look alike as a kind: a longer key parts them.
_LENGTHS = (14, 16, 20, 24, 28, 32)
_MOST_MET = 2048
_CHUNK = 2**18


def meetings(flat: np.ndarray) -> Iterator[Meetings]:
    """Bring together what may be copies; who is met twice comes twice.

    Signs of projections are the keys, and those a step beside them are looked up as well (Lv
    et al. 2007, "Multi-probe LSH"); the projections are the sketch's own numbers.

    Args:
        flat: int8 [n, 169], sketches as rows.
    """
    coarse_first = np.argsort(frequency().ravel(), kind="stable")[1:]
    packed = np.packbits(flat[:, coarse_first[:_SIGNS]] > 0, axis=1)
    signs = np.ascontiguousarray(packed).view(np.uint64)[:, 0]
    for number in range(_KEYS):
        for order, first, counts in _lookups(flat, coarse_first[number::_KEYS]):
            for place, met in _places(first, counts):
                one, other = order[place], order[met]
                near = np.bitwise_count(signs[one] ^ signs[other]) <= _MOST_SIGNS_APART
                near &= one != other
                yield one[near], other[near]


def _lookups(
    flat: np.ndarray, columns: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The sketches in the order of their keys, and whom each meets there: first place, count."""
    for length in _LENGTHS:
        bits = 1 << np.arange(length)
        values = flat[:, columns[:length]]
        keys = (values > 0) @ bits
        distinct, crowds = np.unique(keys, return_counts=True)
        crowded = _PROBES * (crowds.astype(float) ** 2).sum() > _MOST_MET * len(flat)
        if not crowded:
            break
    most = np.minimum(crowds, _MOST_MET // _PROBES) if crowded else crowds
    starts = np.cumsum(crowds) - crowds
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    unsure = bits[np.argsort(np.abs(values), axis=1)[order, :_UNSURE]]
    for probe in range(2**_UNSURE):
        flipped = [bool(probe >> place & 1) for place in range(_UNSURE)]
        wanted = keys ^ unsure[:, flipped].sum(axis=1)
        place = np.minimum(np.searchsorted(distinct, wanted), len(distinct) - 1)
        yield order, starts[place], np.where(distinct[place] == wanted, most[place], 0)


def _places(first: np.ndarray, counts: np.ndarray) -> Iterator[Meetings]:
    """Each place with the `counts` places from its `first` on, in chunks."""
    ends = np.cumsum(counts)
    cuts = np.searchsorted(ends, np.arange(_CHUNK, ends[-1], _CHUNK))
    for part in np.split(np.arange(len(first)), cuts):
        repeats = counts[part]
        one = np.repeat(part, repeats)
        begins = np.cumsum(repeats) - repeats
        yield one, np.arange(len(one)) + np.repeat(first[part] - begins, repeats)
