"""Temperature, calibration error and the threshold for answers, on numbers worked by hand."""

import numpy as np
import pytest

from search.evaluation import calibration
from search.evaluation.calibration import (
    abstain_threshold,
    answered,
    fit_temperature,
    highest_promise,
    with_temperature,
)
from search.evaluation.metrics import expected_calibration_error


def drawn(count, *, seed=0, classes=3):
    """Probabilities that are true: classes are drawn from them. ([n, classes], [n])."""
    random = np.random.default_rng(seed)
    logits = 2 * random.normal(size=(count, classes))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = np.array([random.choice(classes, p=row) for row in probabilities])
    return probabilities, targets


def two(*first):
    """Probabilities of two classes from those of the first."""
    return np.array([[p, 1 - p] for p in first])


def test_a_temperature_divides_the_logits():
    logits = np.array([[1.0, 2.0, -0.5]])
    given = np.exp(logits) / np.exp(logits).sum()
    cooler = np.exp(logits / 2) / np.exp(logits / 2).sum()
    np.testing.assert_allclose(with_temperature(given, 2.0), cooler)
    np.testing.assert_allclose(with_temperature(given, 1.0), given)


def test_certainty_stays_a_number():
    assert np.isfinite(with_temperature(np.array([[0.0, 1.0]]), 0.2)).all()


def test_what_made_a_model_too_sure_is_found_again():
    probabilities, targets = drawn(4000)
    assert fit_temperature(probabilities[None], targets) == pytest.approx(1, abs=0.08)
    for factor in (0.5, 2.0):
        sharpened = with_temperature(probabilities, factor)
        assert fit_temperature(sharpened[None], targets) == pytest.approx(1 / factor, rel=0.08)


def test_few_images_move_the_temperature_less_than_many():
    probabilities, targets = drawn(4000, seed=3)
    sure = with_temperature(probabilities, 0.4)[None]
    few, many = (fit_temperature(sure[:, :n], targets[:n]) for n in (40, 4000))
    alone = fit_temperature(np.tile(sure[:, :40], (1, 100, 1)), np.tile(targets[:40], 100))
    assert 1 < few < alone
    assert many == pytest.approx(2.5, rel=0.08)


def test_of_very_many_images_some_are_enough(monkeypatch):
    probabilities, targets = drawn(4000, seed=5)
    sure = with_temperature(probabilities, 0.5)[None]
    whole = fit_temperature(sure, targets)
    monkeypatch.setattr(calibration, "_MAX_PROBABILITIES", 6000)
    assert fit_temperature(sure, targets) == pytest.approx(whole, rel=0.1)
    # It was not fitted on all: those left out may hold anything.
    seen = np.random.default_rng(0).choice(4000, 2000, replace=False)
    spoilt = sure.copy()
    spoilt[:, np.setdiff1d(np.arange(4000), seen)] = 1 / 3
    assert fit_temperature(spoilt, targets) == fit_temperature(sure, targets)


def test_a_model_without_a_mistake_on_few_images_is_not_made_surer():
    probabilities, targets = two(*[0.97] * 20)[None], np.zeros(20, int)
    assert 0.7 < fit_temperature(probabilities, targets) < 1.5
    assert fit_temperature(probabilities[:, :5], targets[:5]) > 1


def test_calibration_error_is_the_distance_of_confidence_and_accuracy():
    # Four answers at 0.9, three right; one at 0.6, wrong.
    probabilities = two(0.9, 0.9, 0.9, 0.9, 0.6)
    targets = np.array([0, 0, 0, 1, 1])
    assert expected_calibration_error(probabilities, targets) == pytest.approx(
        (abs(4 * 0.9 - 3) + abs(0.6 - 0)) / 5
    )


def test_true_probabilities_have_next_to_no_calibration_error():
    probabilities, targets = drawn(20_000)
    assert expected_calibration_error(probabilities, targets) < 0.01
    assert expected_calibration_error(with_temperature(probabilities, 0.3), targets) > 0.1


def test_the_threshold_lets_through_as_many_as_one_more_mistake_allows():
    # Nine right answers from 0.99 down to 0.91, then a wrong one, then right ones again.
    confidences = [0.99 - 0.01 * place for place in range(9)] + [0.85, 0.8, 0.75]
    targets = np.array([0] * 9 + [1, 0, 0])
    probabilities = two(*confidences)[None]
    # (0 + 1) / (9 + 1) is 0.1: nine may pass; of ten, (1 + 1) / (10 + 1) are wrong.
    assert abstain_threshold(probabilities, targets, precision=0.9) == pytest.approx(0.91)
    # (1 + 1) / (12 + 1) is 0.154: all may pass.
    assert abstain_threshold(probabilities, targets, precision=0.84) == pytest.approx(0.75)
    assert abstain_threshold(probabilities, targets, precision=0.95) is None
    assert highest_promise(probabilities, targets) == pytest.approx(0.9)


def test_of_equal_confidences_all_are_answered_or_none():
    targets = np.array([0] * 10 + [1] * 5)
    probabilities = two(*[0.9] * 15)[None]
    assert abstain_threshold(probabilities, targets, precision=0.8) is None


def test_trainings_count_each_image_once():
    probabilities, targets = two(*[0.95] * 15)[None], np.zeros(15, int)
    assert abstain_threshold(probabilities, targets, precision=0.95) is None
    thrice = np.repeat(probabilities, 3, axis=0)
    assert abstain_threshold(thrice, targets, precision=0.95) is None
    assert abstain_threshold(thrice, targets, precision=0.93) == pytest.approx(0.95)


def test_fresh_images_are_answered_as_precisely_as_promised_on_average():
    reached = []
    for seed in range(60):
        probabilities, targets = drawn(400, seed=seed, classes=2)
        fitted, fresh = slice(0, 200), slice(200, 400)
        threshold = abstain_threshold(probabilities[None, fitted], targets[fitted], precision=0.95)
        assert threshold is not None
        found = answered(probabilities[fresh], targets[fresh], threshold=threshold)
        reached.append(found.precision)
    assert 0.94 <= np.mean(reached) <= 0.98


def test_answers_are_counted_from_the_threshold_on():
    found = answered(two(0.95, 0.9, 0.6, 0.2), np.array([0, 1, 0, 1]), threshold=0.8)
    assert (found.answered, found.coverage) == (3, 0.75)
    assert found.precision == pytest.approx(2 / 3)
    low, high = found.precision_interval
    assert low < 2 / 3 < high


def test_where_nothing_is_answered_there_is_no_precision():
    found = answered(two(0.6), np.array([0]), threshold=0.9)
    assert (found.coverage, found.precision) == (0.0, None)
