"""Split a data set that has grown: what was split before stays where it was."""

from collections.abc import Mapping

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
    known: Mapping[str, Split],
    *,
    validation: float = 0.15,
    test: float = 0.15,
    seed: int = 0,
) -> Splits:
    """Split the images of a data set of which some were split before.

    A new copy of an image that was split before comes into its split, or where its copies are in
    several into train. Of the other new images the same shares are dealt, by class and group.

    Args:
        catalog: a checked data set.
        known: the split of each image that was split before, by the hash of its pixels.
        validation, test: shares of the new images of each class, 0 to 1.
        seed: the same seed splits the same images in the same way.

    Raises:
        DataError: a class lacks an image in a split.
    """
    dealt = as_given(catalog)
    is_known = np.zeros(len(dealt), bool)
    for index, pixel_hash in enumerate(catalog.kept.pixel_hashes):
        if name := known.get(pixel_hash):
            is_known[index], dealt[index] = True, SPLITS.index(name)
    groups = group_ids(catalog)
    # Bit n of a group: whether images of it were in split n.
    joined = np.zeros(len(dealt), np.int8)
    np.bitwise_or.at(joined, groups[is_known], np.int8(1) << dealt[is_known])
    of_known = joined[groups]
    copies = ~is_known & (of_known > 0)
    dealt[copies] = _THE_ONLY[of_known[copies]]
    new = ~is_known & (of_known == 0) & may_be_dealt(catalog)
    classes = rarest_classes(groups, catalog.targets, new)
    lacking = np.ones((len(catalog.class_names), len(SPLITS)), bool)
    lacking[catalog.targets[~new], dealt[~new]] = False
    given = given_splits(catalog)
    shares = {"validation": validation, "test": test}
    missing = {name: share for name, share in shares.items() if name not in given and share > 0}
    for number in range(len(catalog.class_names)):
        rows = np.flatnonzero(classes == number)
        if not len(rows):
            continue
        random = np.random.default_rng([seed, number, len(known)])
        # By chance to the number above or below: of a few images at a time some are dealt too. A
        # split that has none of the class gets one.
        room = {
            name: max(int(share * len(rows) + random.random()), int(lacking[number, place]))
            for name, share in missing.items()
            for place in [SPLITS.index(name)]
        }
        dealt[rows] = deal_groups(groups[rows], room, random)
    return splits_of(catalog, dealt, {*given, *missing}, given)
