"""Which configurations are the same within noise: made-up trainings whose truth is known."""

import numpy as np
import pytest

from search.evaluation.bootstrap import Comparison, cheapest, comparisons, shares
from search.evaluation.metrics import evaluate


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


@pytest.mark.parametrize("classes", [2, 4])
def test_shares_have_the_objective_as_their_mean(classes):
    random = np.random.default_rng(0)
    targets = random.integers(0, classes, 120)
    logits = random.normal(size=(120, classes)) + np.eye(classes)[targets]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    probabilities[:20] = probabilities[0]  # equal scores count half
    measured = evaluate(probabilities, targets)
    assert shares(probabilities, targets, "val_accuracy").mean() == measured["accuracy"]
    assert -shares(probabilities, targets, "val_loss").mean() == pytest.approx(measured["loss"])
    assert shares(probabilities, targets, "val_auc").mean() == pytest.approx(measured["auc"])


def test_the_area_says_which_images_it_is_made_of():
    # One positive of three stands below one of two negatives: 5 of 6 pairs are in order.
    probabilities = np.array([[1 - p, p] for p in (0.9, 0.8, 0.3, 0.4, 0.1)])
    found = shares(probabilities, np.array([1, 1, 1, 0, 0]), "val_auc")
    assert found.mean() == pytest.approx(5 / 6)
    assert found.argmin() in (2, 3)


def test_shares_of_the_area_vary_as_the_area_does():
    random = np.random.default_rng(0)
    targets = (np.arange(200) < 20).astype(int)  # few positives count for more
    scores = random.normal(size=200) + targets
    probabilities = np.stack([-scores, scores], axis=1)
    found = shares(probabilities, targets, "val_auc")
    drawn = [random.integers(0, 200, 200) for _ in range(1500)]
    areas = [evaluate(probabilities[rows], targets[rows])["auc"] for rows in drawn]
    means = [found[rows].mean() for rows in drawn]
    assert np.std(means) == pytest.approx(np.std(areas), rel=0.15)


def test_without_one_of_the_classes_there_is_no_area():
    found = shares(np.array([[0.2, 0.8], [0.4, 0.6]]), np.array([1, 1]), "val_auc")
    assert found.tolist() == [0.5, 0.5]


def standing(behind, *, tied=True):
    return Comparison(1.0 - behind, behind, (0.0, 0.0), tied, False)


def test_the_cheapest_of_the_tied_is_taken():
    found = [standing(0.0), standing(0.01), standing(0.2, tied=False)]
    assert cheapest(found, [20.0, 5.0, 1.0]) == 1


def test_of_those_that_cost_the_same_the_best_is_taken():
    assert cheapest([standing(0.0), standing(0.01)], [10.5, 10.0]) == 0
    assert cheapest([standing(0.0), standing(0.01)], [11.5, 10.0]) == 1
