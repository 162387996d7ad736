"""Deal images into K folds: stratified, seeded, no group of copies in two of them."""

import numpy as np
from numpy.typing import NDArray

from search.errors import TuneError

Rows = NDArray[np.int64]


def deal_folds(targets: NDArray[np.int32], groups: Rows, *, folds: int, seed: int) -> Rows:
    """Deal each image into a fold, 0 to `folds` - 1.

    Groups of duplicates are dealt whole, the largest first, each to the fold that has fewest of
    its classes: an image whose copy was trained on would be predicted from memory, its wrong
    label with it.

    Args:
        targets: int32 [n], class numbers.
        groups: int64 [n], equal for images that are copies of one another.
        folds: how many, at least 2.
        seed: the same seed deals the same images in the same way.
    """
    sizes = np.maximum(np.bincount(targets), 1)
    fold_of: Rows = np.empty(len(targets), np.int64)
    held = np.zeros((folds, len(sizes)))  # share of each class that a fold has
    for members in _largest_first(groups, np.random.default_rng(seed)):
        classes = np.bincount(targets[members], minlength=len(sizes))
        # Where folds need these classes equally, the one with the fewest images in all.
        fold = np.lexsort((held.sum(axis=1), held @ (classes / sizes)))[0]
        held[fold] += classes / sizes
        fold_of[members] = fold
    return fold_of


def _largest_first(groups: Rows, random: np.random.Generator) -> list[Rows]:
    """List the members of each group, the largest group first, equal sizes in random order."""
    order = np.argsort(groups, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    shuffled = [members[place] for place in random.permutation(len(members))]
    # A stable sort: groups of one size keep the order that was drawn.
    return sorted(shuffled, key=len, reverse=True)


def possible_folds(
    targets: NDArray[np.int32], groups: Rows, labels: tuple[str, ...], *, wanted: int
) -> int:
    """Choose how many folds: at most `wanted`, so that each training still has every class.

    Raises:
        TuneError: a class has nothing to train on once an image of it is held out.
    """
    # A class counts once per group: copies lie in one fold, none is left to train on.
    pairs = np.unique(np.stack([targets.astype(np.int64), groups]), axis=1)
    counts = np.bincount(pairs[0], minlength=len(labels))
    least = int(counts.argmin())
    if counts[least] < 2:
        raise TuneError(
            f"class {labels[least]}: received {counts[least]} image that is no copy of another, "
            "need at least 2 to judge one by the other; add images and start a new run"
        )
    return min(wanted, int(counts[least]))
