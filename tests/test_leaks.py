import json

import pytest
from drawing import catalog, entry, random_sketch

from data_pipeline.near_duplicates import leaks
from data_pipeline.near_duplicates.leaks import find_leaks

TWINS = (("a", "test"), ("b", None))


def _images(split, count, **values):
    return [entry(f"{split}/cat/{n}.png", "cat", split=split, **values) for n in range(count)]


@pytest.fixture
def leaky():
    """Of 10 test images 3 are in train, one of them exactly, and 1 in validation."""
    near, exact = random_sketch(10**10), {"pixel_hash": "same", "sketch": random_sketch(10**11)}
    shared = {"pixel_hash": "shared", "sketch": random_sketch(10**12)}
    return catalog(
        *_images("test", 6),
        entry("test/dog/a.png", "dog", split="test", sketch=near),
        entry("test/dog/b.png", "dog", split="test", sketch=near),
        entry("test/dog/c.png", "dog", split="test", **exact),
        entry("test/dog/d.png", "dog", split="test", **shared),
        *_images("train", 5),
        entry("train/dog/a.png", "dog", split="train", sketch=near),
        entry("train/dog/c.png", "cat", split="train", **exact),
        entry("train/dog/e.png", "dog", split="train", **exact),
        *_images("validation", 3),
        entry("validation/dog/d.png", "dog", split="validation", **shared),
    )


def test_what_share_of_each_split_is_known_from_another(leaky):
    leaks = find_leaks(leaky)
    assert json.loads(json.dumps(leaks)) == leaks
    keys = ("split", "other", "pictures", "exact", "of", "share")
    assert [tuple(leak[key] for key in keys) for leak in leaks] == [
        ("test", "train", 3, 1, 10, 0.3),
        ("validation", "train", 0, 0, 4, 0.0),
        ("test", "validation", 1, 1, 10, 0.1),
    ]


def test_copies_are_looked_for_once_for_all_splits(leaky, monkeypatch):
    looked, original = [], leaks.related_ids
    monkeypatch.setattr(leaks, "related_ids", lambda each: looked.append(1) or original(each))
    assert len(find_leaks(leaky)) == 3
    assert len(looked) == 1


def test_the_images_of_a_leak_are_named_the_spoilt_split_first(leaky):
    to_train, _, to_validation = find_leaks(leaky)
    assert [[file["path"] for file in group] for group in to_train["groups"]] == [
        ["test/dog/a.png", "test/dog/b.png", "train/dog/a.png"],
        ["test/dog/c.png", "train/dog/c.png", "train/dog/e.png"],
    ]
    assert to_train["groups"][1][1] == {"path": "train/dog/c.png", "label": "cat"}
    assert len(to_validation["groups"]) == 1


def test_copies_within_one_split_are_no_leak():
    twins = _images("train", 2, pixel_hash="same")
    (leak,) = find_leaks(catalog(*twins, *_images("test", 2)))
    assert (leak["pictures"], leak["groups"]) == (0, [])


def test_a_folder_without_splits_has_no_leaks(monkeypatch):
    monkeypatch.setattr("data_pipeline.near_duplicates.leaks.related_ids", None)
    twins = [entry(f"cat/{n}.png", "cat", pixel_hash="same") for n in range(2)]
    assert find_leaks(catalog(*twins)) == []
    assert find_leaks(catalog(*_images("train", 2))) == []


def test_images_of_no_given_split_are_those_to_train_on():
    """As a table has them that names the test images alone."""
    twins = [entry(f"{name}.png", "cat", split=split, pixel_hash="same") for name, split in TWINS]
    (leak,) = find_leaks(catalog(*twins, *_images("test", 3), *_images(None, 4)))
    assert (leak["split"], leak["other"], leak["pictures"], leak["of"]) == ("test", "train", 1, 4)
    assert [file["path"] for group in leak["groups"] for file in group] == ["a.png", "b.png"]
    both = find_leaks(catalog(*twins, *_images("train", 2)))
    assert [(leak["split"], leak["pictures"]) for leak in both] == [("test", 1)]


def test_a_group_that_a_given_split_tears_apart_is_a_leak():
    images = [
        entry(f"{split}/cat/{n}.png", "cat", split=split, group=group)
        for split, groups in {"train": ("p1", "p2", ""), "test": ("p2", "p3", "", "p2")}.items()
        for n, group in enumerate(groups)
    ]
    (leak,) = find_leaks(catalog(*images))
    assert (leak["pictures"], leak["grouped"], leak["exact"], leak["share"]) == (2, 2, 0, 0.5)
    assert [[each["path"] for each in group] for group in leak["groups"]] == [
        ["test/cat/0.png", "test/cat/3.png", "train/cat/1.png"]
    ]


def test_a_group_too_large_for_one_split_is_a_leak_as_well():
    """Every second frame of two videos is tested."""
    frames = [
        entry(f"{split}/{label}/frame {n}.png", label, split=split, sketch=random_sketch(seed))
        for seed, label in enumerate(("cat", "dog"))
        for n in range(30)
        for split in ("train", "test")
    ]
    others = _images("test", 4)
    (leak,) = find_leaks(catalog(*frames, *others))
    assert (leak["pictures"], leak["large"], leak["exact"], leak["of"]) == (60, 60, 0, 64)
    assert [len(group) for group in leak["groups"]] == [60, 60]
