"""Answers are shifted towards rare classes only where that is shown to gain something."""

import keras
import numpy as np
import pytest

from models.families.head import divide_logits, probabilities, shift_logits
from search.evaluation.logit_adjustment import adjusted, fit_strength
from search.evaluation.shares import hits, recall_shares

FREQUENCIES = np.array([0.8, 0.15, 0.05])


def drawn(count, *, seed=0, priors=FREQUENCIES):
    """Probabilities of a calibrated model on unequal classes, [1, n, classes], and the classes."""
    random = np.random.default_rng(seed)
    targets = random.choice(3, count, p=priors)
    seen = random.normal(size=(count, 3)) + 1.2 * np.eye(3)[targets]
    logits = 1.2 * seen + np.log(priors)  # Bayes' rule, for normal distributions
    given = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return given[None], targets


def test_an_adjustment_of_one_takes_the_frequencies_out():
    given = np.array([[0.8, 0.15, 0.05], [0.4, 0.3, 0.3]])
    np.testing.assert_allclose(adjusted(given, FREQUENCIES, 1.0)[0], [1 / 3] * 3)
    np.testing.assert_allclose(adjusted(given, FREQUENCIES, 0.0), given)
    assert adjusted(given, FREQUENCIES, 0.5).sum(axis=1) == pytest.approx(1)


def test_a_calibrated_model_is_adjusted_by_about_one_and_gains():
    predictions, targets = drawn(3000)
    strength = fit_strength(predictions, targets, FREQUENCIES, recall_shares)
    assert 0.7 <= strength <= 1.3
    unseen, classes = drawn(3000, seed=1)
    gain = recall_shares(adjusted(unseen[0], FREQUENCIES, strength), classes).mean()
    assert gain > recall_shares(unseen[0], classes).mean() + 0.1


def test_what_is_not_shown_to_gain_is_left_alone():
    predictions, targets = drawn(3000)
    assert fit_strength(predictions, targets, FREQUENCIES, hits) == 0.0  # of accuracy it costs some
    equal, classes = drawn(3000, priors=np.full(3, 1 / 3))
    assert fit_strength(equal, classes, np.full(3, 1 / 3), recall_shares) == 0.0
    few, rare = drawn(12, seed=5)
    assert fit_strength(few, rare, FREQUENCIES, hits) == 0.0


def test_a_class_that_was_never_trained_on_is_no_trouble():
    predictions, targets = drawn(200)
    strength = fit_strength(predictions, targets, np.array([0.9, 0.1, 0.0]), recall_shares)
    assert np.isfinite(strength)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_model_is_shifted_as_its_probabilities_are(classes):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((4,))
    model = keras.Model(inputs, probabilities(inputs, num_classes=classes))
    features = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")
    frequencies = np.array([0.7, 0.2, 0.1])[:classes] / np.sum([0.7, 0.2, 0.1][:classes])

    def answers():
        given = model.predict_on_batch(features)
        return np.concatenate([1 - given, given], axis=1) if classes == 2 else given

    expected = adjusted(answers(), frequencies, 0.7)
    shift_logits(model, -0.7 * np.log(frequencies))
    np.testing.assert_allclose(answers(), expected, atol=1e-6)
    divide_logits(model, 2.0)
    cooler = np.sqrt(expected) / np.sqrt(expected).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(answers(), cooler, atol=1e-6)
