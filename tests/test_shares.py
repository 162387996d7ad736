"""What each image adds to a score."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from search.evaluation.metrics import prediction_metrics
from search.evaluation.shares import (
    area_shares,
    equal_images,
    f1_shares,
    hits,
    log_likelihoods,
    recall_shares,
)


@pytest.mark.parametrize("classes", [2, 4])
def test_shares_have_the_objective_as_their_mean(classes):
    random = np.random.default_rng(0)
    targets = random.integers(0, classes, 120)
    logits = random.normal(size=(120, classes)) + np.eye(classes)[targets]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    probabilities[:20] = probabilities[0]  # equal scores count half
    measured = prediction_metrics(probabilities, targets)
    assert hits(probabilities, targets).mean() == measured["accuracy"]
    assert -log_likelihoods(probabilities, targets).mean() == pytest.approx(measured["loss"])
    assert area_shares(probabilities, targets).mean() == pytest.approx(measured["auc"])


def unequal(count=300, classes=4, seed=0):
    """Predictions of classes of which the first is the largest by far."""
    random = np.random.default_rng(seed)
    targets = random.choice(classes, count, p=[0.7, 0.15, 0.1, 0.05])
    logits = random.normal(size=(count, classes)) + 1.5 * np.eye(classes)[targets]
    logits[:, 0] += 0.5
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), targets


def macro_f1(probabilities, targets):
    return f1_score(targets, probabilities.argmax(axis=1), average="macro")


def recalls(probabilities, targets):
    return balanced_accuracy_score(targets, probabilities.argmax(axis=1))


@pytest.mark.parametrize(("shares", "score"), [(recall_shares, recalls), (f1_shares, macro_f1)])
def test_shares_of_what_counts_all_classes_the_same(shares, score):
    probabilities, targets = unequal()
    found = shares(probabilities, targets)
    assert found.mean() == pytest.approx(score(probabilities, targets))
    random = np.random.default_rng(1)
    drawn = [random.integers(0, 300, 300) for _ in range(1500)]
    scores = [score(probabilities[rows], targets[rows]) for rows in drawn]
    means = [found[rows].mean() for rows in drawn]
    assert np.std(means) == pytest.approx(np.std(scores), rel=0.15)


def test_classes_without_images_or_answers_count_for_nothing():
    probabilities = np.array([[0.9, 0.1, 0], [0.2, 0.8, 0], [0.7, 0.3, 0]])
    targets = np.array([0, 1, 1])
    assert recall_shares(probabilities, targets).mean() == pytest.approx(0.75)
    assert f1_shares(probabilities, targets).mean() == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("counts", "images"), [((50, 50), 100), ((90, 10), 36), ((90, 10, 0), 36), ((7,), 7)]
)
def test_unequal_classes_tell_the_mean_of_recalls_as_exactly_as_fewer_images(counts, images):
    targets = np.repeat(np.arange(len(counts)), counts)
    assert equal_images(targets) == pytest.approx(images)


def test_the_area_says_which_images_it_is_made_of():
    # One positive of three stands below one of two negatives: 5 of 6 pairs are in order.
    probabilities = np.array([[1 - p, p] for p in (0.9, 0.8, 0.3, 0.4, 0.1)])
    found = area_shares(probabilities, np.array([1, 1, 1, 0, 0]))
    assert found.mean() == pytest.approx(5 / 6)
    assert found.argmin() in (2, 3)


def test_shares_of_the_area_vary_as_the_area_does():
    random = np.random.default_rng(0)
    targets = (np.arange(200) < 20).astype(int)  # few positives count for more
    scores = random.normal(size=200) + targets
    probabilities = np.stack([-scores, scores], axis=1)
    found = area_shares(probabilities, targets)
    drawn = [random.integers(0, 200, 200) for _ in range(1500)]
    areas = [prediction_metrics(probabilities[rows], targets[rows])["auc"] for rows in drawn]
    means = [found[rows].mean() for rows in drawn]
    assert np.std(means) == pytest.approx(np.std(areas), rel=0.15)


def test_without_one_of_the_classes_there_is_no_area():
    found = area_shares(np.array([[0.2, 0.8], [0.4, 0.6]]), np.array([1, 1]))
    assert found.tolist() == [0.5, 0.5]
