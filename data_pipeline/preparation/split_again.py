"""Split a data set that has grown: what was split before stays where it was."""

from collections.abc import Collection, Mapping

import numpy as np

from data_pipeline.catalog.entries import Catalog
from data_pipeline.listing.listing import Split
from data_pipeline.near_duplicates.duplicates import group_ids
from data_pipeline.preparation.deal import SPLITS, deal_groups, rarest_classes
from data_pipeline.preparation.split import Splits, as_given, given_splits, may_be_dealt, splits_of

# By the bits of the splits in which copies are: the only one, or train.
_THE_ONLY = np.array([0, 0, 1, 0, 2, 0, 0, 0], np.int8)


def split_again(
    catalog: Catalog,
    known: Mapping[str, Collection[Split]],
    *,
    trained: np.ndarray | None = None,
    validation: float = 0.15,
    test: float = 0.15,
    seed: int = 0,
) -> Splits:
    """Split the images of a data set of which some were split before.

    A new copy of an image that was split before comes into its split, or where its copies are in
    several into train, and so does a new copy of one that was trained on and is gone. Of the other
    new images the same shares are dealt, by class and group.

    Args:
        catalog: a checked data set.
        known: the split of each image that was split before, by the hash of its pixels; several
            where copies were in several.
        trained: bool [len(catalog.kept)], which images are, or are like, ones that were trained on
            before; None where that is not known.
        validation, test: shares of the new images of each class, 0 to 1.
        seed: the same seed splits the same images in the same way.

    Raises:
        DataError: a class lacks an image in a split.
    """
    dealt = as_given(catalog)
    is_known = np.zeros(len(dealt), bool)
    for index, pixel_hash in enumerate(catalog.kept.pixel_hashes):
        if numbers := [SPLITS.index(name) for name in known.get(pixel_hash, ())]:
            is_known[index] = True
            if dealt[index] not in numbers:
                dealt[index] = min(numbers)
    groups = group_ids(catalog)
    # Bit n of a group: whether images of it were in split n.
    joined = np.zeros(len(dealt), np.int8)
    np.bitwise_or.at(joined, groups[is_known], np.int8(1) << dealt[is_known])
    if trained is not None:
        joined[groups[trained & ~is_known]] |= 1 << SPLITS.index("train")
    of_known = joined[groups]
    copies = ~is_known & (of_known > 0) & may_be_dealt(catalog)
    dealt[copies] = _THE_ONLY[of_known[copies]]
    new = ~is_known & (of_known == 0) & may_be_dealt(catalog)
    given = given_splits(catalog)
    shares = {"validation": validation, "test": test}
    missing = {name: share for name, share in shares.items() if name not in given and share > 0}
    _deal(catalog, dealt, np.where(new, groups, -1), missing, seeds=(seed, len(known)))
    return splits_of(catalog, dealt, {*given, *missing}, given)


def _deal(
    catalog: Catalog,
    dealt: np.ndarray,
    groups: np.ndarray,
    shares: Mapping[str, float],
    *,
    seeds: tuple[int, int],
) -> None:
    """Deal new images by class and group; `dealt` is changed.

    Args:
        catalog: of the data set.
        dealt: the split of each image, a number of `SPLITS`.
        groups: of each new image; -1 of the others.
        shares: of the new images of each class, by split.
        seeds: of the draws.
    """
    new = groups >= 0
    classes = rarest_classes(np.maximum(groups, 0), catalog.targets, new)
    lacking = np.ones((len(catalog.class_names), len(SPLITS)), bool)
    lacking[catalog.targets[~new], dealt[~new]] = False
    for number in range(len(catalog.class_names)):
        rows = np.flatnonzero(classes == number)
        if not len(rows):
            continue
        random = np.random.default_rng([seeds[0], number, seeds[1]])
        # By chance to the number above or below: of a few images at a time some are dealt too. A
        # split that has none of the class gets one.
        room = {
            name: max(int(share * len(rows) + random.random()), int(lacking[number, place]))
            for name, share in shares.items()
            for place in [SPLITS.index(name)]
        }
        dealt[rows] = deal_groups(groups[rows], room, random)
