"""Deal groups of images over splits."""

from collections.abc import Mapping
from typing import get_args

import numpy as np

from data_pipeline.listing.listing import Split

SPLITS: tuple[Split, ...] = get_args(Split)
"""The splits, by whose numbers images are dealt; train comes first."""


def rarest_classes(groups: np.ndarray, targets: np.ndarray, dealt: np.ndarray) -> np.ndarray:
    """Tell for which class each image's group counts: the rarest of its members.

    Groups of a rare and of a frequent class would else be dealt by what the frequent one lacks.

    Args:
        groups: int64 [images]; images of the same group stay together.
        targets: int [images], their classes.
        dealt: bool [images], which are dealt.

    Returns:
        int64 [images]: a class; -1 for an image that is not dealt.
    """
    counts = np.bincount(targets[dealt], minlength=int(targets.max(initial=0)) + 1)
    rarest_first = np.argsort(counts, kind="stable")
    places = np.argsort(rarest_first)[targets]
    of_group = np.full(int(groups.max(initial=0)) + 1, len(counts))
    np.minimum.at(of_group, groups[dealt], places[dealt])
    classes = np.full(len(groups), -1)
    classes[dealt] = rarest_first[of_group[groups[dealt]]]
    return classes


def deal_groups(
    ids: np.ndarray, room: Mapping[str, int], random: np.random.Generator
) -> np.ndarray:
    """Give each group, the largest first, to the split that lacks the most images.

    The last few go to splits that would have none.

    Args:
        ids: int64 [images]; images of the same group stay together.
        room: how many images each split shall have; train has the rest.
        random: decides among groups of one size.

    Returns:
        int8 [images]: the split of each, a number of `SPLITS`.
    """
    _, firsts, groups, sizes = np.unique(
        ids, return_index=True, return_inverse=True, return_counts=True
    )
    # Groups come in the order of their first images, then shuffled, then by size.
    in_order = np.argsort(firsts, kind="stable")
    shuffled = in_order[random.permutation(len(in_order))]
    largest_first = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    # Train comes first, so that a tie goes to it.
    left = {"train": len(ids) - sum(room.values()), **room}
    without = [name for name, images in left.items() if images > 0]
    of_group = np.zeros(len(sizes), np.int8)
    numbers = {name: SPLITS.index(name) for name in left}
    for place, group in enumerate(largest_first.tolist()):
        names = without if len(sizes) - place <= len(without) else left
        name = max(names, key=left.__getitem__)
        left[name] -= int(sizes[group])
        if name in without:
            without.remove(name)
        of_group[group] = numbers[name]
    return np.asarray(of_group[groups])
