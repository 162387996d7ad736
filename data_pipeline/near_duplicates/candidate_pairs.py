"""Find pairs of sketches that are worth comparing: those that may have the same key."""

import functools
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
_SEEKERS = 2**17  # sketches for which keys are looked up at the same time
COARSE = _KEYS * _LENGTHS[-1]
"""Of so many numbers of a sketch, the coarsest, all keys are made."""


def coarse_numbers(outlines: np.ndarray) -> np.ndarray:
    """Take the numbers by which candidates are found, the coarsest first.

    Args:
        outlines: int8 [n, 13, 13].

    Returns:
        int8 [n, COARSE].
    """
    return np.asarray(outlines.reshape(len(outlines), -1)[:, _coarse_first()])


@functools.cache
def _coarse_first() -> np.ndarray:
    """The places of these numbers in an outline: int64 [COARSE]."""
    return np.argsort(frequency()[:OUTLINE, :OUTLINE].ravel(), kind="stable")[1 : COARSE + 1]


def candidate_pairs(coarse: np.ndarray, *, mirrored: bool = False) -> Iterator[Pairs]:
    """Find pairs that may be copies; a pair may come several times.

    Keys are signs of projections, and neighbouring keys are looked up as well (Lv et al. 2007,
    "Multi-probe LSH"). The projections are the outline's own numbers.

    Besides `coarse`, about 80 bytes per image are held.

    Args:
        coarse: int8 [n, COARSE], what `coarse_numbers` took.
        mirrored: whether to pair each image with mirrored ones too, which then have numbers from
            n on.
    """
    signs = _signs(coarse, np.arange(_SIGNS), mirrored)
    for number in range(_KEYS):
        columns = np.arange(number, COARSE, _KEYS)
        for seekers, order, starts, counts in _lookups(coarse, columns, mirrored):
            for left, right in _places(starts, counts):
                first, second = seekers[left], order[right]
                apart = np.bitwise_count(signs[first] ^ signs[second])
                near = (apart <= _MOST_SIGNS_APART) & (first != second)
                yield first[near], second[near]


def _lookups(
    coarse: np.ndarray, columns: np.ndarray, mirrored: bool
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Some of the images, all in the order of their keys, and who is paired with whom.

    That is given as the first place in that order and the number of places, int64 [some] each,
    once per probe.
    """
    for length in _LENGTHS:
        keys = _signs(coarse, columns[:length], mirrored).astype(np.uint32)
        distinct, crowds = np.unique(keys, return_counts=True)
        crowded = _PROBES * (crowds.astype(float) ** 2).sum() > _MOST_PAIRED * len(keys)
        if not crowded:
            break
    most = np.minimum(crowds, _MOST_PAIRED // _PROBES) if crowded else crowds
    starts = np.cumsum(crowds) - crowds
    order = np.argsort(keys, kind="stable")
    bits = np.uint32(1) << np.arange(length, dtype=np.uint32)
    images = order[order < len(coarse)]
    for begin in range(0, len(images), _SEEKERS):
        seekers = images[begin : begin + _SEEKERS]
        sizes = np.abs(coarse[np.ix_(seekers, columns[:length])])
        unsure = bits[np.argsort(sizes, axis=1)[:, :_UNSURE]]
        for probe in range(2**_UNSURE):
            flipped = [bool(probe >> place & 1) for place in range(_UNSURE)]
            wanted = keys[seekers] ^ np.bitwise_or.reduce(unsure[:, flipped], axis=1)
            place = np.minimum(np.searchsorted(distinct, wanted), len(distinct) - 1)
            found = distinct[place] == wanted
            yield seekers, order, starts[place], np.where(found, most[place], 0)


def _signs(coarse: np.ndarray, columns: np.ndarray, mirrored: bool) -> np.ndarray:
    """The signs of some columns as one number: uint64 [n], or [2 * n] with mirrored images."""
    count = len(coarse)
    signs = np.zeros((1 + mirrored) * count, np.uint64)
    # Waves with an odd number of half waves across have the other sign in a mirrored image.
    odd = _coarse_first() % OUTLINE % 2 == 1
    for place, column in enumerate(columns.tolist()):
        bit = np.uint64(1 << place)
        values = coarse[:, column]
        signs[:count] |= (values > 0) * bit
        if mirrored:
            signs[count:] |= (values < 0 if odd[column] else values > 0) * bit
    return signs


def _places(first: np.ndarray, counts: np.ndarray) -> Iterator[Pairs]:
    """Pair each place with `counts` places from its `first` on, in chunks to bound memory."""
    ends = np.cumsum(counts)
    cuts = np.searchsorted(ends, np.arange(_CHUNK, ends[-1], _CHUNK))
    for part in np.split(np.arange(len(first)), cuts):
        repeats = counts[part]
        left = np.repeat(part, repeats)
        begins = np.cumsum(repeats) - repeats
        yield left, np.arange(len(left)) + np.repeat(first[part] - begins, repeats)
