"""Find images of one given split that are also in another."""

from collections import defaultdict
from typing import Any

from data_pipeline.catalog.entries import Catalog
from data_pipeline.listing.listing import Split
from data_pipeline.near_duplicates.duplicates import large_groups, related_ids

# The split whose score a leak spoils, then the split that its images are known from. The worst
# pair comes first.
_PAIRS: tuple[tuple[Split, Split], ...] = (
    ("test", "train"),
    ("validation", "train"),
    ("test", "validation"),
)


def find_leaks(catalog: Catalog) -> list[dict[str, Any]]:
    """Measure, for each pair of given splits, what share of one is known from the other.

    A score on images that were trained on measures memory (Barz & Denzler 2020, "Do we train
    on test data?").

    Returns:
        For each pair of given splits, ready for JSON; empty where there are none:
        split, other: the split whose score is spoilt, and where its images are known from.
        pictures: how many images of `split` have a copy or near-copy in `other`, or are of a group
            of the data set that is there too.
        grouped: how many are of such a group.
        large: how many are of a group of copies that is too large for one split.
        exact: how many of these have a copy with the same pixels.
        of, share: images in `split`, and what share of them `pictures` is, 0 to 1.
        groups: lists of {path, label}, the images of `split` first.
    """
    indices: dict[str | None, list[int]] = defaultdict(list)
    for index, entry in enumerate(catalog.kept):
        indices[entry.split].append(index)
    pairs = [pair for pair in _PAIRS if all(split in indices for split in pair)]
    if not pairs:
        return []
    ids = related_ids(catalog).tolist()
    large = {index for group in large_groups(catalog) for index in group}
    return [
        {
            "split": split,
            "other": other,
            **_leak(catalog, ids, large, indices[split], indices[other]),
        }
        for split, other in pairs
    ]


def _leak(
    catalog: Catalog, ids: list[int], large: set[int], here: list[int], there: list[int]
) -> dict[str, Any]:
    both = {ids[index] for index in here} & {ids[index] for index in there}
    leaking, known = ([index for index in side if ids[index] in both] for side in (here, there))
    groups: dict[int, list[dict[str, str]]] = defaultdict(list)
    for index in [*leaking, *known]:
        entry = catalog.kept[index]
        groups[ids[index]].append({"path": entry.path, "label": entry.label})
    given = {catalog.kept[index].group for index in known} - {""}
    pixels = {catalog.kept[index].pixel_hash for index in known}
    return {
        "pictures": len(leaking),
        "grouped": sum(catalog.kept[index].group in given for index in leaking),
        "large": sum(index in large for index in leaking),
        "exact": sum(catalog.kept[index].pixel_hash in pixels for index in leaking),
        "of": len(here),
        "share": len(leaking) / len(here),
        "groups": list(groups.values()),
    }
