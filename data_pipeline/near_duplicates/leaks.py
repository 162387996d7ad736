"""Images of one given split that stand in another as well."""

from collections import defaultdict
from typing import Any

from data_pipeline.catalog.entries import Catalog, Split
from data_pipeline.near_duplicates.duplicates import group_ids

# The split that a leak spoils, then where its images are known from; the worst first.
_PAIRS: tuple[tuple[Split, Split], ...] = (
    ("test", "train"),
    ("validation", "train"),
    ("test", "validation"),
)


def find_leaks(catalog: Catalog) -> list[dict[str, Any]]:
    """Say of each two splits that the folder gives what share of one is known from the other.

    A score on images that were trained on measures memory (Barz & Denzler 2020, "Do we train
    on test data?").

    Returns:
        For each pair of given splits, ready for JSON; nothing where the folder gives none:
        split, other: whose score it spoils, and where its images are known from.
        images: how many of `split` have a copy or near-copy in `other`.
        exact: how many of these have one with the same pixels.
        of, share: images in `split`, and what share of them `images` is, 0 to 1.
        groups: lists of {path, label}, the images of `split` first.
    """
    places: dict[str | None, list[int]] = defaultdict(list)
    for index, entry in enumerate(catalog.kept):
        places[entry.split].append(index)
    return [
        {"split": split, "other": other, **_leak(catalog, places[split], places[other])}
        for split, other in _PAIRS
        if split in places and other in places
    ]


def _leak(catalog: Catalog, here: list[int], there: list[int]) -> dict[str, Any]:
    ids = group_ids(catalog).tolist()
    both = {ids[index] for index in here} & {ids[index] for index in there}
    leaking, known = ([index for index in side if ids[index] in both] for side in (here, there))
    groups: dict[int, list[dict[str, str]]] = defaultdict(list)
    for index in [*leaking, *known]:
        entry = catalog.kept[index]
        groups[ids[index]].append({"path": entry.path, "label": entry.label})
    pixels = {catalog.kept[index].pixel_hash for index in known}
    return {
        "pictures": len(leaking),
        "exact": sum(catalog.kept[index].pixel_hash in pixels for index in leaking),
        "of": len(here),
        "share": len(leaking) / len(here),
        "groups": list(groups.values()),
    }
