"""Which configurations are as good as the best: made-up trainings whose truth is known."""

import numpy as np
import pytest

from search.evaluation.bootstrap import Comparison, cheapest, comparisons
from search.evaluation.objective import objective_named
from search.evaluation.shares import hits, log_likelihoods


def trainings(accuracy, *, seeds=3, count=400, seed=0):
    """0 or 1 for each image of each training, independent of one another."""
    random = np.random.default_rng(seed)
    return (random.random((seeds, count)) < accuracy).astype(float)


def compared(given, **options):
    """Compare trainings that give what is right 0.8 and what is wrong 0.4."""
    return comparisons(given, [np.log(0.4 + 0.4 * right) for right in given], **options)


def as_good(given, **options):
    return [standing.as_good for standing in compared(given, **options)]


def test_one_that_is_truly_equal_is_as_good_on_many_images():
    many = [trainings(0.9, count=20_000, seed=1), trainings(0.9, count=20_000, seed=3)]
    assert as_good(many) == [True, True]
    few = [scores[:, :400] for scores in many]
    assert sorted(as_good(few)) == [False, True]


def test_with_a_margin_of_0_only_the_leader_is_as_good():
    same = trainings(0.9, count=20_000)
    assert as_good([same, same], within=0) == [True, False]


def test_what_few_images_cannot_tell_apart_is_not_taken_for_equal():
    better, worse = trainings(0.9, count=40, seed=1), trainings(0.82, count=40, seed=2)
    found = compared([better, worse])[1]
    low, high = found.interval
    assert low < 0 < high
    assert not found.as_good


@pytest.mark.parametrize(("count", "shown"), [(367, False), (368, True)])
def test_models_that_no_image_tells_apart_may_still_differ_on_images_not_seen(count, shown):
    perfect = np.ones((3, count))
    assert as_good([perfect, perfect]) == [True, shown]


@pytest.mark.parametrize(
    ("counts", "shown"),
    [((182, 182), False), ((183, 183), True), ((392, 8), False), ((1000, 0), True)],
)
def test_where_classes_count_the_same_each_needs_images_enough(counts, shown):
    """Half as many of each of two: what a share of one is, is half of it of both."""
    perfect = np.ones((3, sum(counts)))
    assert as_good([perfect, perfect], class_counts=counts) == [True, shown]


def test_one_training_shows_nothing_unless_its_model_is_solved():
    once = trainings(0.9, seeds=1)
    twice = np.repeat(once, 2, axis=0)
    assert as_good([twice, twice]) == [True, True]
    assert as_good([once, twice]) == [True, False]
    assert as_good([twice, once]) == [True, False]
    assert as_good([once, twice], solved=[0]) == [True, True]
    assert as_good([once, once], solved=[0, 1]) == [True, True]


def test_the_margin_is_one_on_the_objective_and_on_log_loss():
    same = trainings(0.9, count=20_000)
    worse = same.copy()
    worse[:, :400] = 0
    assert not comparisons([same, worse], [same, same])[1].as_good
    assert comparisons([same, worse], [same, same], within=0.03)[1].as_good
    sure, unsure = np.log(0.4 + 0.4 * same), np.log(0.35 + 0.4 * same)
    assert not comparisons([same, same], [sure, unsure])[1].as_good
    assert comparisons([same, same], [sure, unsure], within=0.08)[1].as_good
    assert comparisons([same, same], [unsure, sure])[1].as_good


@pytest.mark.parametrize("objective", ["val_accuracy", "val_auc", "val_loss"])
def test_one_that_names_the_largest_class_does_not_replace_one_that_has_learnt(objective):
    """118 images of six classes, 71 % in one: accuracies differ by no more than chance."""
    targets = np.repeat(np.arange(6), [84, 12, 8, 6, 5, 3])
    answers = np.where(np.arange(118) < 96, targets, 0)  # 22 of the small classes are missed
    answers[:8] = 1
    largest = np.tile(np.bincount(targets) / 118, (118, 1))
    learnt = (largest + np.eye(6)[answers]) / 2

    def trained(shares):
        return [np.tile(shares(each, targets), (3, 1)) for each in (learnt, largest)]

    likely = trained(log_likelihoods)
    assert comparisons(trained(hits), likely)[1].interval[0] < 0
    found = comparisons(trained(objective_named(objective).shares), likely)
    assert [standing.as_good for standing in found] == [True, False]


def test_a_clear_difference_is_none():
    better, worse = compared([trainings(0.95, seed=1), trainings(0.8, seed=2)])
    assert (better.as_good, better.behind, better.interval) == (True, 0.0, (0.0, 0.0))
    assert not worse.as_good
    assert worse.out
    assert worse.behind == pytest.approx(better.mean - worse.mean)
    low, high = worse.interval
    assert 0 < low < worse.behind < high


def test_mistakes_on_the_same_images_make_a_small_difference_a_sure_one():
    base = np.repeat(trainings(0.8, seeds=1), 3, axis=0)
    worse = base.copy()
    worse[:, np.flatnonzero(base[0])[:12]] = 0  # 3 % of the images, in each training
    assert compared([base, worse])[1].interval[0] > 0
    apart = worse[:, np.random.default_rng(5).permutation(worse.shape[1])]
    assert compared([base, apart])[1].interval[0] < 0


def test_trainings_that_come_out_differently_are_no_proof():
    steady = np.repeat(trainings(0.90, seeds=1), 3, axis=0)
    shaky = np.array([trainings(a, seeds=1, seed=9)[0] for a in (0.96, 0.90, 0.62)])
    assert shaky.mean() < steady.mean() - 0.03
    found = compared([steady, shaky])[1]
    assert found.interval[0] < 0
    assert not found.as_good


def test_the_interval_is_that_of_a_bootstrap_over_images():
    one, other = trainings(0.9, seeds=1, seed=1), trainings(0.85, seeds=1, seed=2)
    random = np.random.default_rng(3)
    differences = (one - other)[0]
    drawn = [random.choice(differences, differences.size).mean() for _ in range(4000)]
    np.testing.assert_allclose(
        compared([one, other])[1].interval, np.quantile(drawn, [0.025, 0.975]), atol=0.005
    )


def test_few_trainings_vary_as_much_as_they_tell():
    from search.evaluation.bootstrap import _redraw

    apart = np.array([np.full(50, 0.8), np.full(50, 1.0)])
    (drawn,) = _redraw([apart], np.random.default_rng(0))
    assert drawn.std() == pytest.approx(np.std([0.8, 1.0], ddof=1) / np.sqrt(2), rel=0.05)


def test_equal_inputs_give_equal_intervals():
    given = [trainings(0.9, seed=1), trainings(0.88, seed=2)]
    assert compared(given) == compared(given)


def test_configurations_may_have_been_trained_unequally_often():
    found = compared([trainings(0.95, seeds=3), trainings(0.5, seeds=1)])
    assert [standing.out for standing in found] == [False, True]


def standing(behind, *, as_good=True):
    return Comparison(1.0 - behind, behind, (0.0, 0.0), as_good, False)


def test_the_cheapest_of_those_that_are_as_good_is_taken():
    found = [standing(0.0), standing(0.01), standing(0.2, as_good=False)]
    assert cheapest(found, [20.0, 5.0, 1.0]) == 1


def test_of_those_that_cost_the_same_the_best_is_taken():
    assert cheapest([standing(0.0), standing(0.01)], [10.5, 10.0]) == 0
    assert cheapest([standing(0.0), standing(0.01)], [11.5, 10.0]) == 1
