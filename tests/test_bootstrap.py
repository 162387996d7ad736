"""Which configurations are the same within noise: made-up trainings whose truth is known."""

import numpy as np
import pytest

from search.evaluation.bootstrap import Comparison, cheapest, comparisons


def trainings(accuracy, *, seeds=3, count=400, seed=0):
    """0 or 1 for each image of each training, independent of one another."""
    random = np.random.default_rng(seed)
    return (random.random((seeds, count)) < accuracy).astype(float)


def test_trainings_of_one_configuration_are_a_tie():
    one, other = trainings(0.9, seed=1), trainings(0.9, seed=3)
    assert all(standing.tied for standing in comparisons([one, other]))


def test_what_few_images_cannot_tell_apart_is_not_taken_for_equal():
    better, worse = trainings(0.9, count=40, seed=1), trainings(0.82, count=40, seed=2)
    found = comparisons([better, worse])[1]
    low, high = found.interval
    assert low < 0 < high
    assert found.behind > 0.05
    assert not found.tied


def test_a_clear_difference_is_none():
    better, worse = comparisons([trainings(0.95, seed=1), trainings(0.8, seed=2)])
    assert (better.tied, better.behind, better.interval) == (True, 0.0, (0.0, 0.0))
    assert not worse.tied
    assert worse.out
    assert worse.behind == pytest.approx(better.mean - worse.mean)
    low, high = worse.interval
    assert 0 < low < worse.behind < high


def test_mistakes_on_the_same_images_make_a_small_difference_a_sure_one():
    base = np.repeat(trainings(0.8, seeds=1), 3, axis=0)
    worse = base.copy()
    worse[:, np.flatnonzero(base[0])[:12]] = 0  # 3 % of the images, in each training
    assert comparisons([base, worse])[1].interval[0] > 0
    apart = worse[:, np.random.default_rng(5).permutation(worse.shape[1])]
    assert comparisons([base, apart])[1].interval[0] < 0


def test_trainings_that_come_out_differently_are_no_proof():
    steady = np.repeat(trainings(0.90, seeds=1), 3, axis=0)
    shaky = np.array([trainings(a, seeds=1, seed=9)[0] for a in (0.96, 0.90, 0.62)])
    assert shaky.mean() < steady.mean() - 0.03
    assert comparisons([steady, shaky])[1].tied


def test_the_interval_is_that_of_a_bootstrap_over_images():
    one, other = trainings(0.9, seeds=1, seed=1), trainings(0.85, seeds=1, seed=2)
    random = np.random.default_rng(3)
    differences = (one - other)[0]
    drawn = [random.choice(differences, differences.size).mean() for _ in range(4000)]
    np.testing.assert_allclose(
        comparisons([one, other])[1].interval, np.quantile(drawn, [0.025, 0.975]), atol=0.005
    )


def test_few_trainings_vary_as_much_as_they_tell():
    from search.evaluation.bootstrap import _redraw

    apart = np.array([np.full(50, 0.8), np.full(50, 1.0)])
    (drawn,) = _redraw([apart], np.random.default_rng(0))
    assert drawn.std() == pytest.approx(np.std([0.8, 1.0], ddof=1) / np.sqrt(2), rel=0.05)


def test_equal_inputs_give_equal_intervals():
    given = [trainings(0.9, seed=1), trainings(0.88, seed=2)]
    assert comparisons(given) == comparisons(given)


def test_configurations_may_have_been_trained_unequally_often():
    found = comparisons([trainings(0.95, seeds=3), trainings(0.5, seeds=1)])
    assert [standing.out for standing in found] == [False, True]


def standing(behind, *, tied=True):
    return Comparison(1.0 - behind, behind, (0.0, 0.0), tied, False)


def test_the_cheapest_of_the_tied_is_taken():
    found = [standing(0.0), standing(0.01), standing(0.2, tied=False)]
    assert cheapest(found, [20.0, 5.0, 1.0]) == 1


def test_of_those_that_cost_the_same_the_best_is_taken():
    assert cheapest([standing(0.0), standing(0.01)], [10.5, 10.0]) == 0
    assert cheapest([standing(0.0), standing(0.01)], [11.5, 10.0]) == 1
