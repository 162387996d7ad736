"""Summarize a catalog for `tune clean`, as plain values."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

from data_pipeline.catalog.entries import Catalog
from data_pipeline.catalog.entry import Entry
from data_pipeline.catalog.table import Entries
from data_pipeline.errors import DataError
from data_pipeline.listing.folder_files import HIDDEN, SYSTEM
from data_pipeline.listing.listing import LeftOut
from data_pipeline.near_duplicates.duplicates import (
    Group,
    exact_groups,
    label_conflicts,
    near_groups,
)
from data_pipeline.near_duplicates.leaks import find_leaks
from data_pipeline.preparation.split import as_given, given_splits, split_by_group


def summarize(catalog: Catalog) -> dict[str, Any]:
    """Describe a catalog, ready for JSON.

    Returns:
        files, kept, bad: counts.
        bad_by_reason: the reason without its detail → entries {path, label, reason}.
        left_out: the reason → paths of what is no file of any class.
        notes: sentences about how the data set was read.
        doubts: sentences about what may not be meant as it was taken.
        class_counts: label → number of kept images, 0 for a class without any.
        split_counts: given split → number of kept images; empty where none is given.
        majority_accuracy: the accuracy, 0 to 1, of always answering the most common class.
        formats: format → kept images.
        width, height: [smallest, largest] of kept images in pixels, None without any.
        duplicate_groups, near_duplicate_groups, label_conflicts: lists of lists of
            {path, label}.
        across_splits: the groups of either kind with images in two given splits.
        no_training: why nothing can be trained on it with the default shares of the splits; None
            if it can.
        leaks: what share of each given split is known from another (see
            `data_pipeline.near_duplicates.leaks.find_leaks`).
    """
    kept = catalog.kept
    counts = Counter(kept.files.labels.counts())
    exact, near = exact_groups(catalog), near_groups(catalog)
    return {
        "root": str(catalog.root),
        "files": len(catalog.entries),
        "kept": len(kept),
        "bad": len(catalog.entries) - len(kept),
        "bad_by_reason": _bad_by_reason(_bad(catalog)),
        "left_out": _by_reason(catalog.left_out),
        "notes": list(catalog.notes),
        "doubts": list(catalog.doubts),
        "class_counts": {label: counts[label] for label in catalog.class_names},
        "split_counts": _without_none(kept.files.splits.counts()),
        "majority_accuracy": max(counts.values()) / len(kept) if kept else None,
        "formats": dict(Counter(kept.formats.counts()).most_common()),
        "width": _range(kept.sizes[:, 0]),
        "height": _range(kept.sizes[:, 1]),
        "duplicate_groups": _described(catalog, exact),
        "near_duplicate_groups": _described(catalog, near),
        "label_conflicts": _described(catalog, label_conflicts(catalog)),
        "across_splits": _described(catalog, _across_splits(catalog, [*exact, *near])),
        "no_training": _no_training(catalog),
        "leaks": find_leaks(catalog),
    }


def not_used(catalog: Catalog) -> dict[str, int]:
    """Count what is not used, by its reason in words that do not change, the most first.

    What is hidden or of the system is nobody's image, and not counted.
    """
    bad = (entry.reason.split(":")[0] for entry in _bad(catalog))
    others = (entry.reason for entry in catalog.left_out)
    counts = Counter([*bad, *(reason for reason in others if reason not in (HIDDEN, SYSTEM))])
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _bad(catalog: Catalog) -> Entries:
    return catalog.table.take(np.flatnonzero(~catalog.table.kept))


def _without_none(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if name}


def _no_training(catalog: Catalog) -> str | None:
    try:
        split_by_group(catalog)
    except DataError as error:
        return str(error)
    return None


def _bad_by_reason(entries: Iterable[Entry]) -> dict[str, list[dict[str, str]]]:
    bad = defaultdict(list)
    for entry in entries:
        stable = entry.reason.split(":")[0]
        bad[stable].append({"path": entry.path, "label": entry.label, "reason": entry.reason})
    return dict(sorted(bad.items(), key=lambda item: (-len(item[1]), item[0])))


def _by_reason(left_out: Iterable[LeftOut]) -> dict[str, list[str]]:
    paths = defaultdict(list)
    for entry in left_out:
        paths[entry.reason].append(entry.path)
    return dict(sorted(paths.items(), key=lambda item: (-len(item[1]), item[0])))


def _described(catalog: Catalog, groups: Iterable[Group]) -> list[list[dict[str, str]]]:
    files = catalog.kept.files
    return [
        [{"path": files.paths[index], "label": files.labels[index]} for index in group]
        for group in groups
    ]


def _across_splits(catalog: Catalog, groups: Iterable[Group]) -> list[Group]:
    if not given_splits(catalog):
        return []
    splits = as_given(catalog)
    return [group for group in groups if len(set(splits[list(group)].tolist())) > 1]


def _range(values: np.ndarray) -> list[int] | None:
    return [int(values.min()), int(values.max())] if len(values) else None
