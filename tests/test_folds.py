"""Which images are held out together."""

import numpy as np
import pytest

from search.errors import TuneError
from search.evaluation.folds import deal_folds, possible_folds

TARGETS = np.array([0] * 23 + [1] * 12 + [2] * 7, np.int32)
ALONE = np.arange(len(TARGETS))


def counts_of(fold_of, targets, folds):
    return np.array([np.bincount(targets[fold_of == f], minlength=3) for f in range(folds)])


@pytest.mark.parametrize("folds", [2, 5])
def test_each_fold_has_its_share_of_every_class(folds):
    counts = counts_of(deal_folds(TARGETS, ALONE, folds=folds, seed=0), TARGETS, folds)
    assert counts.sum() == len(TARGETS)
    assert (np.ptp(counts, axis=0) <= 1).all()


def test_a_group_stands_in_one_fold():
    random = np.random.default_rng(0)
    groups = random.integers(0, 15, len(TARGETS))  # of several classes too
    for seed in range(5):
        fold_of = deal_folds(TARGETS, groups, folds=3, seed=seed)
        for group in np.unique(groups):
            assert len(set(fold_of[groups == group])) == 1
        assert set(fold_of) == {0, 1, 2}


def test_the_same_seed_deals_alike_and_another_does_not():
    one, same, other = (deal_folds(TARGETS, ALONE, folds=5, seed=s) for s in (3, 3, 4))
    assert one.tolist() == same.tolist()
    assert one.tolist() != other.tolist()


def test_a_rare_class_is_not_held_out_whole_because_its_groups_hold_more_of_another():
    targets = np.array([0] * 80 + [1, 1], np.int32)
    groups = np.arange(82)
    groups[:30] = 0
    groups[30:49] = groups[80] = 30  # one of the rare class with 19 of the other
    groups[49:54] = groups[81] = 49
    for seed in range(5):
        fold_of = deal_folds(targets, groups, folds=2, seed=seed)
        assert fold_of[80] != fold_of[81]


def test_a_class_with_fewer_images_than_folds_makes_fewer_folds():
    assert possible_folds(TARGETS, ALONE, ("a", "b", "c"), wanted=5) == 5
    assert possible_folds(TARGETS, ALONE, ("a", "b", "c"), wanted=10) == 7


def test_copies_count_as_one_image():
    groups = ALONE.copy()
    groups[-4:] = groups[-1]
    assert possible_folds(TARGETS, groups, ("a", "b", "c"), wanted=10) == 4


def test_a_class_of_copies_of_one_image_cannot_be_judged():
    groups = ALONE.copy()
    groups[-7:] = groups[-1]
    with pytest.raises(TuneError, match="class c: received 1 image"):
        possible_folds(TARGETS, groups, ("a", "b", "c"), wanted=5)
