"""Split images into train, validation and test sets, with no image in two of them."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from data_pipeline.catalog.entries import Catalog
from data_pipeline.errors import DataError
from data_pipeline.listing.listing import Split
from data_pipeline.near_duplicates.duplicates import group_ids, large_groups
from data_pipeline.preparation.deal import SPLITS, deal_groups, rarest_classes


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
    given = given_splits(catalog)
    shares = {"validation": validation, "test": test}
    missing = {name: share for name, share in shares.items() if name not in given and share > 0}
    dealt = as_given(catalog)
    groups = group_ids(catalog)
    classes = rarest_classes(groups, catalog.targets, may_be_dealt(catalog))
    for number in range(len(catalog.class_names)):
        rows = np.flatnonzero(classes == number)
        # A generator per class: new images in one class do not change how others are split.
        random = np.random.default_rng([seed, number])
        room = {name: max(1, round(share * len(rows))) for name, share in missing.items()}
        dealt[rows] = deal_groups(groups[rows], room, random)
    return splits_of(catalog, dealt, {*given, *missing}, given)


def given_splits(catalog: Catalog) -> set[Split]:
    """The splits that the data set gives to usable images."""
    return set(catalog.kept.files.splits.counts()) - {""}  # type: ignore[return-value]


def as_given(catalog: Catalog) -> np.ndarray:
    """The split of each kept image as the data set gives it, train where it gives none.

    Returns:
        int8 [len(kept)], numbers of `SPLITS`.
    """
    return np.maximum(catalog.kept.files.splits.of_names(SPLITS), 0).astype(np.int8)


def may_be_dealt(catalog: Catalog) -> np.ndarray:
    """Tell which kept images are in no given validation or test set: bool [len(kept)]."""
    return catalog.kept.files.splits.of_names(SPLITS) <= 0


def splits_of(
    catalog: Catalog,
    dealt: np.ndarray,
    wanted: Collection[Split | str],
    given: Collection[Split],
) -> Splits:
    """Gather the images of each split.

    Args:
        catalog: a checked data set.
        dealt: the split of each kept image, a number of `SPLITS`.
        wanted: splits that shall have an image of each class, besides train.
        given: splits that the data set gives.

    Raises:
        DataError: a class lacks one, with what it lacks.
    """
    names = [name for name in SPLITS if name == "train" or name in wanted]
    _require_every_class(catalog, dealt, names, given)
    return Splits(*(np.flatnonzero(dealt == number) for number in range(len(SPLITS))))


def groups_dealt_apart(catalog: Catalog, splits: Splits) -> list[list[int]]:
    """List the images of each large group of copies that were dealt over several splits.

    Images of a validation or test set that the data set gives were not dealt.
    """
    part = np.full(len(catalog.kept), -1)
    for number, rows in enumerate(vars(splits).values()):
        part[rows] = number
    free = may_be_dealt(catalog)
    dealt = [[index for index in group if free[index]] for group in large_groups(catalog)]
    return [group for group in dealt if len(set(part[group].tolist()) - {-1}) > 1]


def _require_every_class(
    catalog: Catalog, dealt: np.ndarray, wanted: list[Split], given: Collection[Split]
) -> None:
    """Require an image of each class in each split that there is or shall be.

    Raises:
        DataError: a class lacks one, with what it lacks.
    """
    counts = np.zeros((len(catalog.class_names), len(SPLITS)), int)
    np.add.at(counts, (catalog.targets, dealt), 1)
    for label, of_label in zip(catalog.class_names, counts, strict=True):
        absent = [name for name in wanted if not of_label[SPLITS.index(name)]]
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
    of_label = catalog.targets == catalog.class_names.index(label)
    has = catalog.kept.files.splits.take(np.flatnonzero(of_label)).counts()
    if lacking := [name for name in absent if name in given and name not in has]:
        return f"has no usable image in {' and '.join(lacking)}, which the data set gives"
    dealt = [name for name in wanted if name not in given or name == "train"]
    to_deal = np.flatnonzero(of_label & may_be_dealt(catalog))
    count = f"{len(to_deal)} usable image{'' if len(to_deal) == 1 else 's'}"
    groups = len(np.unique(group_ids(catalog)[to_deal]))
    for_each = f"at least {len(dealt)}, one each for {' and '.join(dealt)}"
    if len(to_deal) < len(dealt):
        return f"has {count}; need {for_each}"
    return (
        f"has {count}, but {groups} that are no copies of one another, and copies stay in one "
        f"split; need {for_each}"
    )
