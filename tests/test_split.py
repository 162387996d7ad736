from collections import Counter

import numpy as np
import pytest
from drawing import catalog, entry, numbered, random_sketch

from data_pipeline.errors import DataError
from data_pipeline.preparation.split import groups_dealt_apart, split_by_group


def _all(splits):
    return [splits.train, splits.validation, splits.test]


def test_every_image_is_dealt_once_in_the_shares_asked_for():
    pictures = numbered({"cat": 100, "dog": 200})
    splits = split_by_group(pictures)
    assert sorted(np.concatenate(_all(splits))) == list(range(300))
    assert [len(part) for part in _all(splits)] == [210, 45, 45]
    assert all(part.dtype == np.int64 for part in _all(splits))
    for part, cats in zip(_all(splits), (70, 15, 15), strict=True):
        assert (pictures.targets[part] == 0).sum() == cats


def test_the_seed_decides_the_split():
    pictures = numbered({"cat": 40, "dog": 40})
    first, again = split_by_group(pictures, seed=3), split_by_group(pictures, seed=3)
    other = split_by_group(pictures, seed=4)
    assert all(np.array_equal(a, b) for a, b in zip(_all(first), _all(again), strict=True))
    assert not np.array_equal(first.test, other.test)


def test_no_group_stands_in_two_splits():
    pictures = catalog(
        *(
            entry(f"{label}/{n}_{copy}.png", label, pixel_hash=f"{label} {n}")
            for label in ("cat", "dog")
            for n in range(20)
            for copy in range(1 + n % 3)
        )
    )
    splits = split_by_group(pictures, validation=0.3, test=0.3)
    stands = [{pictures.kept[i].pixel_hash for i in part} for part in _all(splits)]
    assert not (stands[0] & stands[1] or stands[0] & stands[2] or stands[1] & stands[2])
    assert 0.2 < len(splits.test) / len(pictures.kept) < 0.4


def test_an_image_under_two_labels_stays_in_one_split():
    for seed in range(12):
        both = [entry(f"{label}/x.png", label, pixel_hash="x") for label in ("cat", "dog")]
        pictures = catalog(*numbered({"cat": 9, "dog": 9}).kept, *both)
        splits = split_by_group(pictures, seed=seed)
        assert sum(bool({18, 19} & set(part.tolist())) for part in _all(splits)) == 1


def test_three_images_a_class_are_enough_and_two_are_not():
    splits = split_by_group(numbered({"cat": 3, "dog": 3}))
    assert [len(part) for part in _all(splits)] == [2, 2, 2]
    few = "class cat has 2 usable images; need at least 3, one each for train and .*; add images"
    with pytest.raises(DataError, match=few):
        split_by_group(numbered({"cat": 2, "dog": 9}))
    copies = [entry(f"cat/{n}.png", "cat", pixel_hash=f"{n // 8}") for n in range(9)]
    alike = "class cat has 9 usable images, but 2 that are no copies of one another, and copies"
    with pytest.raises(DataError, match=alike):
        split_by_group(catalog(*copies, *numbered({"dog": 9}).kept))
    given = [entry(f"test/{label}/x.png", label, split="test") for label in ("cat", "dog")]
    train = numbered({"cat": 1, "dog": 9}, split="train").kept
    one = "class cat has 1 usable image; need at least 2, one each for train and validation;"
    with pytest.raises(DataError, match=one):
        split_by_group(catalog(*train, *given))


def test_a_share_of_nothing_leaves_the_split_empty():
    splits = split_by_group(numbered({"cat": 2, "dog": 2}), validation=0.5, test=0)
    assert [len(part) for part in _all(splits)] == [2, 2, 0]


@pytest.mark.parametrize("shares", [(0.5, 0.5), (-0.1, 0.2), (float("nan"), 0.1)])
def test_shares_that_leave_nothing_to_train_on_are_refused(shares):
    with pytest.raises(DataError, match="sum to less than 1"):
        split_by_group(numbered({"cat": 9, "dog": 9}), validation=shares[0], test=shares[1])


def test_given_splits_are_taken_and_missing_ones_cut_from_train():
    counts = {"cat": 20, "dog": 20}
    train = numbered(counts, split="train").kept
    test = [
        entry(f"test/{label}/{n}.png", label, split="test") for label in counts for n in range(5)
    ]
    splits = split_by_group(catalog(*train, *test), validation=0.2)
    assert splits.test.tolist() == list(range(40, 50))
    assert [len(part) for part in _all(splits)] == [32, 8, 10]
    assert set(splits.validation) < set(range(40))


def test_a_class_that_a_given_split_lacks_is_named():
    pictures = catalog(
        *numbered({"cat": 9, "dog": 9}, split="train").kept,
        entry("val/cat/0.png", "cat", split="validation"),
    )
    with pytest.raises(
        DataError,
        match="class dog has no usable image in validation, which the data set gives; add",
    ):
        split_by_group(pictures)


def test_what_the_data_set_groups_is_never_torn_apart():
    pictures = catalog(
        *(
            entry(f"{label}/{patient}-{n}.png", label, group=f"p{patient}")
            for label in ("ill", "well")
            for patient in range(20)
            for n in range(3)
        )
    )
    splits = split_by_group(pictures, validation=0.2, test=0.2)
    patients = [{pictures.kept[index].group for index in part} for part in _all(splits)]
    assert all(patients)
    assert not (patients[0] & patients[1] or patients[0] & patients[2] or patients[1] & patients[2])


@pytest.mark.parametrize("rare", ["tumour", "atumour"])  # after and before the other class
def test_groups_of_two_classes_are_dealt_by_the_rarer(rare):
    """Of thirty patients ten have images of both."""
    images = [
        entry(f"{label}/{patient}-{n}.png", label, group=f"p{patient}")
        for label, patients in (("healthy", 30), (rare, 10))
        for patient in range(patients)
        for n in range(10)
    ]
    pictures = catalog(*sorted(images, key=lambda each: each.path))
    for seed in range(5):
        splits = split_by_group(pictures, seed=seed)
        for part in (splits.validation, splits.test):
            of = Counter(pictures.kept[index].label for index in part)
            assert 10 <= of[rare] <= 30
            assert 20 <= of["healthy"] <= 80


@pytest.mark.parametrize(("patients", "each"), [(3, 6), (4, 6), (4, 2), (5, 6), (7, 1)])
def test_few_groups_of_one_size_leave_no_split_without_one(patients, each):
    pictures = catalog(
        *(
            entry(f"{label}/{patient}-{n}.png", label, group=f"{label}{patient}")
            for label in ("ill", "well")
            for patient in range(patients)
            for n in range(each)
        )
    )
    splits = split_by_group(pictures)
    for part in _all(splits):
        assert {pictures.kept[index].label for index in part} == {"ill", "well"}
    assert len(splits.train) >= max(len(splits.validation), len(splits.test))


def test_large_groups_are_told_where_a_split_that_is_not_given_tears_them():
    """Of a video of 40 frames half are in a test set that the data set may give."""
    given = {"train": range(20), "test": range(20, 40)}

    def frames(splits):
        return [
            entry(f"{label}/frame {n}.png", label, split=split, sketch=random_sketch(seed))
            for seed, label in enumerate(("cat", "dog"))
            for split, numbers in splits.items()
            for n in numbers
        ]

    def apart(pictures, **shares):
        return groups_dealt_apart(pictures, split_by_group(pictures, **shares))

    assert apart(catalog(*frames({None: range(40)}))) == [[*range(40)], [*range(40, 80)]]
    partly = catalog(*frames(given))
    assert apart(partly) == [[*range(20)], [*range(40, 60)]]
    assert apart(partly, validation=0) == []
    assert apart(catalog(*frames(given | {"validation": range(40, 50)}))) == []
    assert apart(numbered({"cat": 40, "dog": 40})) == []
