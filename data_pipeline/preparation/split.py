"""Split images into train, validation and test sets, with no image in two of them."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import get_args

import numpy as np

from data_pipeline.catalog.entries import Catalog
from data_pipeline.errors import DataError
from data_pipeline.listing.listing import Split
from data_pipeline.near_duplicates.duplicates import group_ids, large_groups

_NAMES: tuple[Split, ...] = get_args(Split)
_TO_DEAL = (None, "train")  # where images are taken from for splits that are not given


@dataclass(frozen=True)
class Splits:
    """Three sets of images, each as int64, ascending indices into `catalog.kept`."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split_by_group(
    catalog: Catalog, *, validation: float = 0.15, test: float = 0.15, seed: int = 0
) -> Splits:
    """Split images into train, validation and test sets, stratified by class.

    Near-duplicates form a group, and a group is never split: if a photo is in the training set
    and its resized copy in the test set, test accuracy is too high (Barz & Denzler 2020, "Do
    we train on test data?").

    Splits that the data set gives are kept as they are. A validation or test set that it does
    not give is taken from its train images.

    Args:
        catalog: a checked data set.
        validation: the share of each class for validation, 0 to 1; 0 for none.
        test: the share of each class for the test, 0 to 1; 0 for none.
        seed: the same seed splits the same catalog in the same way.

    Raises:
        DataError: the shares leave nothing to train on, or a class is too small for them.
    """
    if not (validation >= 0 and test >= 0 and validation + test < 1):
        raise DataError(
            f"received validation {validation:g} and test {test:g}, expected shares from 0 that "
            "sum to less than 1; choose smaller ones"
        )
    given = {entry.split for entry in catalog.kept if entry.split}
    shares = {"validation": validation, "test": test}
    missing = {name: share for name, share in shares.items() if name not in given and share > 0}
    dealt: list[Split] = [entry.split or "train" for entry in catalog.kept]
    for number, groups in enumerate(_groups_to_deal(catalog)):
        # A generator per class: new images in one class do not change how others are split.
        random = np.random.default_rng([seed, number])
        total = sum(map(len, groups))
        room = {name: max(1, round(share * total)) for name, share in missing.items()}
        for name, indices in deal_groups(groups, room, random):
            for index in indices:
                dealt[index] = name
    return splits_of(catalog, dealt, {*given, *missing}, given)


def splits_of(
    catalog: Catalog,
    dealt: list[Split],
    wanted: Collection[Split | str],
    given: Collection[Split],
) -> Splits:
    """Gather the images of each split.

    Args:
        catalog: a checked data set.
        dealt: the split of each kept image.
        wanted: splits that shall have an image of each class, besides train.
        given: splits that the data set gives.

    Raises:
        DataError: a class lacks one, with what it lacks.
    """
    names = [name for name in _NAMES if name == "train" or name in wanted]
    _require_every_class(catalog, dealt, names, given)
    splits = np.array(dealt)
    return Splits(*(np.flatnonzero(splits == name).astype(np.int64) for name in _NAMES))


def groups_dealt_apart(catalog: Catalog, splits: Splits) -> list[list[int]]:
    """List the images of each large group of copies that were dealt over several splits.

    Images of a validation or test set that the data set gives were not dealt.
    """
    parts = [set(rows.tolist()) for rows in vars(splits).values()]
    dealt = [
        [index for index in group if catalog.kept[index].split in _TO_DEAL]
        for group in large_groups(catalog)
    ]
    return [group for group in dealt if sum(not part.isdisjoint(group) for part in parts) > 1]


def _groups_to_deal(catalog: Catalog) -> list[list[np.ndarray]]:
    """Per class, the groups that may be dealt. A group of several classes counts for its first."""
    groups: list[dict[int, list[int]]] = [{} for _ in catalog.class_names]
    for index, group in enumerate(group_ids(catalog).tolist()):
        if catalog.kept[index].split in _TO_DEAL:
            groups[catalog.targets[group]].setdefault(group, []).append(index)
    return [[np.array(group) for group in by_id.values()] for by_id in groups]


def deal_groups(
    groups: list[np.ndarray], room: dict[str, int], random: np.random.Generator
) -> list[tuple[Split, np.ndarray]]:
    """Give each group, the largest first, to the split that lacks the most images.

    The last few go to splits that would have none.

    Args:
        groups: images that stay together.
        room: how many images each split shall have; train has the rest.
        random: decides among groups of one size.
    """
    total = sum(map(len, groups))
    # Train comes first, so that a tie goes to it.
    room = {"train": total - sum(room.values()), **room}
    shuffled = [groups[place] for place in random.permutation(len(groups))]
    dealt = []
    without = [name for name, images in room.items() if images > 0]
    for place, group in enumerate(sorted(shuffled, key=len, reverse=True)):
        names = without if len(groups) - place <= len(without) else room
        name = max(names, key=room.__getitem__)
        room[name] -= len(group)
        without = [other for other in without if other != name]
        dealt.append((name, group))
    return dealt  # type: ignore[return-value]


def _require_every_class(
    catalog: Catalog, dealt: list[Split], wanted: list[Split], given: Collection[Split]
) -> None:
    """Require an image of each class in each split that there is or shall be.

    Raises:
        DataError: a class lacks one, with what it lacks.
    """
    present = {(entry.label, name) for entry, name in zip(catalog.kept, dealt, strict=True)}
    for label in catalog.class_names:
        absent = [name for name in wanted if (label, name) not in present]
        if absent:
            problem = _why_absent(catalog, label, absent, wanted, given)
            raise DataError(
                f"{catalog.root}/: class {label} {problem}; add images or leave the class out"
            )


def _why_absent(
    catalog: Catalog,
    label: str,
    absent: list[Split],
    wanted: list[Split],
    given: Collection[Split],
) -> str:
    """Say why a class has no image in some splits, and what it needs."""
    has = {entry.split for entry in catalog.kept if entry.label == label}
    if lacking := [name for name in absent if name in given and name not in has]:
        return f"has no usable image in {' and '.join(lacking)}, which the data set gives"
    dealt = [name for name in wanted if name not in given or name == "train"]
    to_deal = [n for n, e in enumerate(catalog.kept) if e.label == label and e.split in _TO_DEAL]
    count = f"{len(to_deal)} usable image{'' if len(to_deal) == 1 else 's'}"
    groups = len(np.unique(group_ids(catalog)[to_deal]))
    for_each = f"at least {len(dealt)}, one each for {' and '.join(dealt)}"
    if len(to_deal) < len(dealt):
        return f"has {count}; need {for_each}"
    return (
        f"has {count}, but {groups} that are no copies of one another, and copies stay in one "
        f"split; need {for_each}"
    )
