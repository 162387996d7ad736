"""Split a data set that has grown: what was split before stays where it was."""

from collections.abc import Mapping

import numpy as np

from data_pipeline.catalog.entries import Catalog
from data_pipeline.listing.listing import Split
from data_pipeline.near_duplicates.duplicates import group_ids
from data_pipeline.preparation.split import Splits, deal_groups, splits_of


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
    kept = catalog.kept
    dealt: list[Split] = [known.get(entry.pixel_hash) or entry.split or "train" for entry in kept]
    is_known = [entry.pixel_hash in known for entry in kept]
    joined: dict[int, set[Split]] = {}
    groups = group_ids(catalog).tolist()
    for index, group in enumerate(groups):
        if is_known[index]:
            joined.setdefault(group, set()).add(dealt[index])
    new: list[dict[int, list[int]]] = [{} for _ in catalog.class_names]
    for index, group in enumerate(groups):
        if is_known[index]:
            continue
        if group in joined:
            dealt[index] = next(iter(joined[group])) if len(joined[group]) == 1 else "train"
        elif kept[index].split in (None, "train"):
            new[int(catalog.targets[group])].setdefault(group, []).append(index)
    given = {entry.split for entry in kept if entry.split}
    shares = {"validation": validation, "test": test}
    missing = {name: share for name, share in shares.items() if name not in given and share > 0}
    for number, of_class in enumerate(new):
        if not of_class:
            continue
        random = np.random.default_rng([seed, number, len(known)])
        arrived = [np.array(indices) for indices in of_class.values()]
        total = sum(map(len, arrived))
        # By chance to the number above or below: of a few images at a time some are dealt too.
        room = {name: int(share * total + random.random()) for name, share in missing.items()}
        for name, indices in deal_groups(arrived, room, random):
            for index in indices:
                dealt[index] = name
    return splits_of(catalog, dealt, {*given, *missing}, given)
