"""Group images that are the same: exactly, by their pixels, or nearly, by their sketches."""

from collections.abc import Callable
from typing import get_args
from weakref import WeakKeyDictionary

import numpy as np

from data_pipeline.catalog.entries import Catalog
from data_pipeline.catalog.found_copies import load_copies, save_copies
from data_pipeline.columns.digests import Digests
from data_pipeline.listing.listing import Split
from data_pipeline.near_duplicates.copy_pairs import copy_pairs
from data_pipeline.near_duplicates.joined import joined
from data_pipeline.near_duplicates.stored_sketches import StoredSketches, sketch_hashes

Group = tuple[int, ...]
"""Two or more indices into `catalog.kept`, ascending."""

# A larger group of near-duplicates (the frames of a video, say) leaves nothing to be dealt: most
# classes would be in one split alone. So does one of more than the second number where its class
# has few others.
_LARGEST_SHARE = 0.1
_LARGEST_AT_LEAST = 20

_copies: WeakKeyDictionary[Catalog, np.ndarray] = WeakKeyDictionary()
_groups: WeakKeyDictionary[Catalog, np.ndarray] = WeakKeyDictionary()


def exact_groups(catalog: Catalog) -> list[Group]:
    """Group images with the same upright pixels, whatever their files and labels."""
    return _members(_exact_ids(catalog))


def near_groups(catalog: Catalog) -> list[Group]:
    """Group images that their sketches show to be copies, exact copies included.

    A group of exact copies alone is not listed here. Near copies are a guess, good enough to
    keep them in one split; no image is ever dropped because of it.
    """
    exact = _exact_ids(catalog)
    return [group for group in _members(copy_ids(catalog)) if _differ(exact, group)]


def label_conflicts(catalog: Catalog) -> list[Group]:
    """Find the groups of exact copies that have different labels."""
    return [group for group in exact_groups(catalog) if _differ(catalog.targets, group)]


def group_ids(catalog: Catalog) -> np.ndarray:
    """Return the group that each image is dealt with: its copies, and what the data set says.

    Of `large_groups` only exact copies are dealt together. Computed once per catalog.

    Returns:
        int64 [len(kept)], read-only: the smallest index in the image's group.
    """
    return _once(_groups, catalog, _dealt_together)


def related_ids(catalog: Catalog) -> np.ndarray:
    """Return the group of each image: all its copies, and what the data set puts into one group.

    Returns:
        int64 [len(kept)]: the smallest index in the image's group.
    """
    return joined(copy_ids(catalog), _given_links(catalog))


def large_groups(catalog: Catalog) -> list[Group]:
    """List the groups of copies that are too large for one split, and are dealt over several."""
    dealt = group_ids(catalog)
    groups = _members(copy_ids(catalog), larger_than=_LARGEST_AT_LEAST)
    return [group for group in groups if _differ(dealt, group)]


def copy_ids(catalog: Catalog) -> np.ndarray:
    """Return the group of each image, exact and near copies together.

    Computed once per catalog, since several callers need it.

    Returns:
        int64 [len(kept)], read-only: the smallest index in the image's group.
    """
    return _once(_copies, catalog, _copied)


def _once(
    known: WeakKeyDictionary[Catalog, np.ndarray],
    catalog: Catalog,
    compute: Callable[[Catalog], np.ndarray],
) -> np.ndarray:
    if catalog not in known:
        known[catalog] = compute(catalog)
        known[catalog].flags.writeable = False
    return known[catalog]


def _dealt_together(catalog: Catalog) -> np.ndarray:
    copies, exact = copy_ids(catalog), _exact_ids(catalog)
    sizes = np.bincount(copies, minlength=len(copies))[copies]
    together = np.where(sizes <= _largest(catalog), copies, exact)
    if (needed := _in_few_groups(catalog, together) & (sizes > _LARGEST_AT_LEAST)).any():
        together = np.where(np.isin(copies, copies[needed]), exact, together)
    return joined(together, _given_links(catalog))


def _in_few_groups(catalog: Catalog, groups: np.ndarray) -> np.ndarray:
    """Tell which images are of a class with fewer groups than there are splits: bool [len(kept)].

    As where a class is the frames of one video.
    """
    pairs = np.unique(np.stack([catalog.targets, groups]), axis=1)
    counts = np.bincount(pairs[0], minlength=len(catalog.class_names))
    return np.asarray(counts[catalog.targets] < len(get_args(Split)))


def _largest(catalog: Catalog) -> int:
    return max(_LARGEST_AT_LEAST, int(_LARGEST_SHARE * len(catalog.kept)))


def _copied(catalog: Catalog) -> np.ndarray:
    known = load_copies(catalog)
    if known is not None:
        return known
    found = joined(_exact_ids(catalog), _near_links(catalog))
    save_copies(catalog, found)
    return found


def _exact_ids(catalog: Catalog) -> np.ndarray:
    return catalog.kept.pixel_hashes.firsts()


def _given_links(catalog: Catalog) -> np.ndarray:
    """Links between images that the data set says to have something in common."""
    groups = catalog.kept.files.groups
    named = np.flatnonzero(groups.filled)
    firsts = Digests.of_contents(groups.take(named).raw()).firsts()
    return np.stack([named[firsts], named], axis=1)


def _near_links(catalog: Catalog) -> np.ndarray:
    """Find links between images with the same sketch, and between copies: int64 [links, 2]."""
    sketches = catalog.kept.sketches
    hashes = sketch_hashes(sketches)
    firsts, same = hashes.firsts(), np.flatnonzero(hashes.filled)
    distinct = np.unique(firsts[same])
    pairs = copy_pairs(StoredSketches(sketches.take(distinct)))
    return np.concatenate([np.stack([firsts[same], same], axis=1), distinct[pairs]])


def _members(ids: np.ndarray, *, larger_than: int = 1) -> list[Group]:
    """Return the groups of more than so many images."""
    counts = np.bincount(ids, minlength=len(ids))
    rows = np.flatnonzero(counts[ids] > larger_than)
    ordered = rows[np.argsort(ids[rows], kind="stable")]
    ends = np.flatnonzero(np.diff(ids[ordered], append=-1)) + 1
    return [tuple(group.tolist()) for group in np.split(ordered, ends[:-1]) if len(group)]


def _differ(values: np.ndarray, group: Group) -> bool:
    """Tell whether images of a group have different values."""
    of_group = values[list(group)]
    return bool((of_group != of_group[0]).any())
