import numpy as np
from drawing import catalog, copy_of, draw, entry, numbered, random_sketch

from data_pipeline.near_duplicates import duplicates
from data_pipeline.near_duplicates.duplicates import (
    copy_ids,
    exact_groups,
    group_ids,
    label_conflicts,
    large_groups,
    near_groups,
    related_ids,
)
from data_pipeline.near_duplicates.sketch import sketch
from data_pipeline.preparation.split import groups_dealt_apart, split_by_group


def _sketch(image):
    return sketch(np.asarray(image))


def test_exact_copies_are_grouped_by_pixels_and_not_by_bytes():
    pictures = catalog(
        entry("cat/a.png", "cat", pixel_hash="same"),
        entry("cat/b.png", "cat"),
        entry("cat/c.bmp", "cat", pixel_hash="same"),
    )
    assert exact_groups(pictures) == [(0, 2)]
    assert label_conflicts(pictures) == []
    assert near_groups(pictures) == []


def test_one_image_under_two_labels_is_a_conflict():
    pictures = catalog(
        entry("cat/a.png", "cat", pixel_hash="same"),
        entry("dog/a.png", "dog", pixel_hash="same"),
        entry("dog/b.png", "dog"),
    )
    assert label_conflicts(pictures) == [(0, 1)]


def test_near_duplicates_are_chained():
    photo = draw(1, (400, 300))
    once = copy_of(photo, crop=(0.03, 0.03, 0.03, 0.03), scale=0.6)
    twice = copy_of(once, crop=(0.03, 0.03, 0.03, 0.03))
    pictures = catalog(
        *(
            entry(f"cat/{name}.png", "cat", sketch=_sketch(image))
            for name, image in zip("abcd", (photo, draw(2), once, twice), strict=True)
        )
    )
    assert group_ids(pictures).tolist() == [0, 1, 0, 0]
    assert near_groups(pictures) == [(0, 2, 3)]


def test_images_of_one_sketch_are_near_duplicates():
    same = random_sketch(7)
    pictures = catalog(*(entry(f"cat/{n}.png", "cat", sketch=same) for n in range(3)))
    assert near_groups(pictures) == [(0, 1, 2)]


def test_copies_are_named_rightly_where_others_share_a_sketch():
    photo = draw(1, (400, 300))
    sketches = [random_sketch(7)] * 3 + [_sketch(photo), _sketch(copy_of(photo, scale=0.3))]
    pictures = catalog(
        *(entry(f"cat/{n}.png", "cat", sketch=text) for n, text in enumerate(sketches))
    )
    assert group_ids(pictures).tolist() == [0, 0, 0, 3, 3]


def test_images_without_a_sketch_are_not_glued_together():
    pictures = catalog(*(entry(f"cat/{n}.png", "cat", sketch="") for n in range(4)))
    assert group_ids(pictures).tolist() == [0, 1, 2, 3]


def test_a_group_too_large_for_one_split_is_dealt_one_by_one_and_said_to_be():
    frames = numbered({"cat": 30}, sketch=random_sketch(7))
    others = numbered({"dog": 30})
    pictures = catalog(*frames.kept, *others.kept)
    assert len(set(group_ids(pictures).tolist())) == 60
    assert large_groups(pictures) == near_groups(pictures) == [tuple(range(30))]
    assert len(set(related_ids(pictures).tolist())) == 31
    assert large_groups(others) == []


def test_a_large_group_that_the_data_set_names_is_dealt_whole():
    frames = numbered({"cat": 30}, sketch=random_sketch(7), group="video 1")
    pictures = catalog(*frames.kept, *numbered({"dog": 30}).kept)
    assert len(set(group_ids(pictures).tolist())) == 31
    assert large_groups(pictures) == []


def test_groups_are_worked_out_once_for_a_catalog(monkeypatch):
    pictures = numbered({"cat": 3, "dog": 3})
    first = group_ids(pictures)
    monkeypatch.setattr(duplicates, "copy_pairs", None)
    assert group_ids(pictures) is first


def test_the_drawn_sample_is_not_taken_for_copies(sample):
    pictures, _ = sample
    assert near_groups(pictures) == []


def test_groups_of_the_data_set_join_copies_but_are_none():
    sketches = [random_sketch(n) for n in (1, 2, 2, 3, 4)]
    groups = ["a", "b", "", "a", ""]
    pictures = catalog(
        *(
            entry(f"cat/{n}.png", "cat", sketch=sketch, group=group)
            for n, (sketch, group) in enumerate(zip(sketches, groups, strict=True))
        )
    )
    assert near_groups(pictures) == [(1, 2)]
    assert copy_ids(pictures).tolist() == [0, 1, 1, 3, 4]
    assert group_ids(pictures).tolist() == [0, 1, 1, 0, 4]


def test_a_class_that_is_one_video_is_dealt_one_by_one():
    """It would be in one split alone, and the search be refused; of others groups stay whole."""

    def frames(label, count, seed):
        image = draw(seed, (200, 160))
        crops = np.random.default_rng(seed).uniform(0, 0.02, (count, 4))
        for number, crop in enumerate(crops):
            copied = _sketch(copy_of(image, crop=tuple(crop)))
            yield entry(f"{label}/{seed}-{number}.png", label, sketch=copied)

    others = [entry(f"dog/{n}.png", "dog", sketch=random_sketch(n)) for n in range(300)]
    pictures = catalog(*frames("cat", 25, 1), *frames("dog", 25, 2), *others)
    assert [len(group) for group in near_groups(pictures)] == [25, 25]
    of_cats, of_dogs = near_groups(pictures)
    ids = group_ids(pictures)
    assert len(set(ids[list(of_cats)])) == 25
    assert len(set(ids[list(of_dogs)])) == 1
    assert large_groups(pictures) == [of_cats]
    splits = split_by_group(pictures, validation=0.2, test=0.2, seed=0)
    assert groups_dealt_apart(pictures, splits) == [list(of_cats)]


def test_a_few_copies_of_a_rare_class_stay_together():
    image = draw(1, (200, 160))
    few = [
        entry(f"cat/{q}.png", "cat", sketch=_sketch(copy_of(image, quality=q)))
        for q in range(60, 95, 5)
    ]
    others = [entry(f"dog/{n}.png", "dog", sketch=random_sketch(n)) for n in range(300)]
    pictures = catalog(*few, *others)
    assert len(set(group_ids(pictures)[:7])) == 1
    assert large_groups(pictures) == []
