"""Splits of a data set that has grown: what was split stays, copies follow, the rest is dealt."""

from dataclasses import replace

import numpy as np
import pytest

from data_pipeline.errors import DataError
from data_pipeline.preparation import split_again as module
from data_pipeline.preparation.split import split_by_group
from data_pipeline.preparation.split_again import split_again


@pytest.fixture
def catalog(sample):
    return sample[0]


def hashes(catalog, rows):
    return {catalog.kept[row].pixel_hash for row in rows}


def known_of(catalog, splits):
    return {
        catalog.kept[row].pixel_hash: (name,)
        for name in ("train", "validation", "test")
        for row in getattr(splits, name)
    }


@pytest.fixture
def alone(monkeypatch):
    """Each image is a group of its own, unless a test says otherwise."""
    groups = {}

    def group_ids(catalog):
        ids = np.arange(len(catalog.kept))
        for row, first in groups.items():
            ids[row] = first
        return ids

    monkeypatch.setattr(module, "group_ids", group_ids)
    return groups


def part_of(catalog, rows):
    """The catalog of some of its images."""
    kept = [catalog.kept[row] for row in rows]
    return replace(catalog, entries=tuple(kept))


def test_with_nothing_new_all_stay_where_they_were(catalog):
    before = split_by_group(catalog, seed=3)
    again = split_again(catalog, known_of(catalog, before), seed=4)
    for name in ("train", "validation", "test"):
        assert getattr(again, name).tolist() == getattr(before, name).tolist()


def test_what_was_there_stays_and_of_the_new_the_same_share_is_dealt(catalog, alone):
    rows = list(range(len(catalog.kept)))
    old = part_of(catalog, rows[::2])
    before = split_by_group(old, seed=0)
    known = known_of(old, before)
    again = split_again(catalog, known, seed=0)
    for name in ("train", "validation", "test"):
        there = {
            catalog.kept[row].pixel_hash
            for row in getattr(again, name)
            if catalog.kept[row].pixel_hash in known
        }
        assert there == hashes(old, getattr(before, name))
    new = len(rows) - len(known)
    arrived = len(again.test) - len(before.test)
    classes = len(catalog.class_names)
    assert abs(arrived - 0.15 * new) <= classes
    everything = np.concatenate([again.train, again.validation, again.test])
    assert sorted(everything.tolist()) == rows
    same = split_again(catalog, known, seed=0)
    assert same.test.tolist() == again.test.tolist()


def test_images_that_come_one_at_a_time_are_for_the_test_too_in_the_end(catalog, alone):
    """By chance, at the same share: rounding would never give the test a single image."""
    known = known_of(catalog, split_by_group(catalog, seed=0))
    arrived = [
        row for row, entry in enumerate(catalog.kept) if known[entry.pixel_hash] == ("train",)
    ]
    dealt = 0
    for row in arrived:
        others = {key: name for key, name in known.items() if key != catalog.kept[row].pixel_hash}
        dealt += row in split_again(catalog, others, test=0.5, seed=row).test
    assert 0.25 < dealt / len(arrived) < 0.75


def test_a_copy_comes_into_the_split_of_the_image_that_was_there(catalog, alone):
    before = split_by_group(catalog, seed=0)
    known = known_of(catalog, before)
    copy = int(before.train[0])
    del known[catalog.kept[copy].pixel_hash]
    alone[copy] = int(before.test[0])
    assert copy in split_again(catalog, known, seed=0).test
    alone[int(before.validation[0])] = int(before.test[0])
    assert copy in split_again(catalog, known, seed=0).train  # its copies are in two


def test_given_splits_hold_for_what_is_new(catalog, alone):
    before = split_by_group(catalog, seed=0)
    given = tuple(
        replace(entry, split=name)
        for name in ("train", "validation", "test")
        for entry in (catalog.kept[row] for row in getattr(before, name))
    )
    named = replace(catalog, entries=given)
    known = {entry.pixel_hash: (entry.split,) for entry in given[5:]}
    again = split_again(named, known, seed=0)
    assert hashes(named, again.test) == {e.pixel_hash for e in given if e.split == "test"}


def test_what_is_like_an_image_that_was_trained_on_and_is_gone_is_trained_on(catalog, alone):
    known = known_of(catalog, split_by_group(catalog, seed=0))
    new = [row for row, entry in enumerate(catalog.kept) if known[entry.pixel_hash] == ("test",)]
    for row in new:
        del known[catalog.kept[row].pixel_hash]
    trained = np.zeros(len(catalog.kept), bool)
    trained[new[0]] = True
    alone[new[-1]] = new[0]  # a copy of it
    for seed in range(4):
        again = split_again(catalog, known, trained=trained, validation=0.0, test=0.9, seed=seed)
        assert {new[0], new[-1]} <= set(again.train.tolist())
        assert set(again.test.tolist()) <= set(new[1:-1])


def test_copies_in_two_splits_stay_where_they_were(catalog, alone):
    """A data set may give such; which file is which is known by where it lies."""
    before = split_by_group(catalog, seed=0)
    train, test = int(before.train[0]), int(before.test[0])
    entries = [
        replace(entry, split=name)
        for name in ("train", "validation", "test")
        for entry in (catalog.kept[row] for row in getattr(before, name))
    ]
    one, other = catalog.kept[train], catalog.kept[test]
    entries = [
        replace(e, pixel_hash="ab" * 16) if e.path in (one.path, other.path) else e for e in entries
    ]
    named = replace(catalog, entries=tuple(sorted(entries, key=lambda entry: entry.path)))
    known = {entry.pixel_hash: (entry.split,) for entry in entries} | {"ab" * 16: ("train", "test")}
    again = split_again(named, known, seed=0)
    paths = {name: {named.kept[r].path for r in getattr(again, name)} for name in ("train", "test")}
    assert one.path in paths["train"]
    assert other.path in paths["test"]


@pytest.mark.parametrize("count", [3, 4, 5])
def test_a_small_class_that_is_new_has_an_image_in_each_split(catalog, alone, count):
    label = catalog.class_names[-1]
    of_label = [row for row, each in enumerate(catalog.kept) if each.label == label]
    others = [row for row, each in enumerate(catalog.kept) if each.label != label]
    grown = part_of(catalog, others + of_label[:count])
    names = ("test", "validation", "train", "train")
    kept = part_of(catalog, others).kept
    known = {each.pixel_hash: (names[n % 4],) for n, each in enumerate(kept)}
    for seed in range(4):
        again = split_again(grown, known, seed=seed)
        new = hashes(catalog, of_label[:count])
        for part in (again.train, again.validation, again.test):
            assert hashes(grown, part) & new


def test_a_class_without_an_image_in_a_split_is_said_to_have_none(catalog, alone):
    known = dict.fromkeys((entry.pixel_hash for entry in catalog.kept), ("train",))
    with pytest.raises(DataError, match="has no|need"):
        split_again(catalog, known, seed=0)
