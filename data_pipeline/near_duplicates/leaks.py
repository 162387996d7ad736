"""Find images of one given split that are also in another."""

from collections import defaultdict
from typing import Any

import numpy as np

from data_pipeline.catalog.entries import Catalog
from data_pipeline.columns.codes import Codes
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

    Where a split is given to some images alone, the others are dealt from those to train on: they
    count as these.

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
    splits = catalog.kept.files.splits
    sides = {pair: _sides(splits, pair) for pair in _PAIRS}
    pairs = [pair for pair, side in sides.items() if all((side == n).any() for n in (0, 1))]
    if not pairs:
        return []
    ids = related_ids(catalog)
    large = np.zeros(len(ids), bool)
    for group in large_groups(catalog):
        large[list(group)] = True
    return [
        {"split": pair[0], "other": pair[1], **_leak(catalog, ids, large, sides[pair])}
        for pair in pairs
    ]


def _sides(splits: Codes, pair: tuple[Split, Split]) -> np.ndarray:
    """0 for images of the first split, 1 for those of the other, else -1."""
    side = splits.of_names(pair)
    if pair[1] == "train":
        side[splits.of_names(("",)) == 0] = 1
    return side


def _leak(catalog: Catalog, ids: np.ndarray, large: np.ndarray, side: np.ndarray) -> dict[str, Any]:
    """Measure one leak; `side` as `_sides` has it."""
    kept = catalog.kept
    here, there = (np.flatnonzero(side == number) for number in (0, 1))
    both = np.intersect1d(ids[here], ids[there])
    leaking, known = (rows[np.isin(ids[rows], both)] for rows in (here, there))
    groups: dict[int, list[dict[str, str]]] = defaultdict(list)
    for index in [*leaking.tolist(), *known.tolist()]:
        file = kept.files[index]
        groups[int(ids[index])].append({"path": file.path, "label": file.label})
    given = set(kept.files.groups.take(known)) - {""}
    pixels = kept.pixel_hashes.keys
    return {
        "pictures": len(leaking),
        "grouped": sum(group in given for group in kept.files.groups.take(leaking)),
        "large": int(large[leaking].sum()),
        "exact": int(np.isin(pixels[leaking], pixels[known]).sum()),
        "of": len(here),
        "share": len(leaking) / len(here),
        "groups": list(groups.values()),
    }
