import math

import numpy as np
import pytest

from search.evaluation.intervals import wilson_interval
from search.evaluation.metrics import (
    auc,
    confusion_matrix,
    prediction_metrics,
    two_columns,
)


def binary(*scores):
    return two_columns(np.array(scores, np.float64)[:, None])


def test_one_sigmoid_unit_becomes_two_columns_and_more_stay():
    np.testing.assert_allclose(binary(0.2, 0.9), [[0.8, 0.2], [0.1, 0.9]])
    three = np.array([[0.2, 0.3, 0.5]])
    assert two_columns(three) is three


def test_accuracy_and_log_loss_are_those_computed_by_hand():
    measured = prediction_metrics(binary(0.9, 0.6, 0.2), np.array([1, 0, 0]))
    assert measured["accuracy"] == pytest.approx(2 / 3)
    by_hand = -(math.log(0.9) + math.log(0.4) + math.log(0.8)) / 3
    assert measured["loss"] == pytest.approx(by_hand)
    assert "top5" not in measured


def test_a_certain_mistake_costs_much_but_not_infinitely_much():
    loss = prediction_metrics(binary(0.0), np.array([1]))["loss"]
    assert loss == pytest.approx(-math.log(1e-7))


@pytest.mark.parametrize(
    ("scores", "targets", "area"),
    [
        ((0.1, 0.4, 0.35, 0.8), (0, 0, 1, 1), 0.75),  # the example of scikit-learn's manual
        ((0.1, 0.2, 0.8, 0.9), (0, 0, 1, 1), 1.0),
        ((0.8, 0.9, 0.1, 0.2), (0, 0, 1, 1), 0.0),
        ((0.5, 0.5, 0.5, 0.5), (0, 1, 0, 1), 0.5),  # nothing but ties
        ((0.5, 0.5, 0.9), (0, 1, 1), 0.75),  # a tie counts half: (0.5 + 1) / 2
        ((0.3, 0.6), (1, 1), 0.5),  # no negative: nothing to say
    ],
)
def test_auc_is_the_share_of_pairs_in_the_right_order(scores, targets, area):
    assert auc(binary(*scores), np.array(targets)) == pytest.approx(area)


def test_auc_of_many_classes_is_the_mean_of_those_that_occur():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.6, 0.3, 0.1]])
    # Class 0 against the rest: 1 of 1 × 2 pairs in order is both, class 1 likewise; class 2 absent.
    targets = np.array([0, 1, 1])
    assert auc(probabilities, targets) == pytest.approx((1.0 + 1.0) / 2)
    targets = np.array([1, 0, 0])
    assert auc(probabilities, targets) == pytest.approx(0.0)


def test_top5_counts_the_right_class_among_the_five_likeliest():
    row = np.array([0.3, 0.25, 0.2, 0.12, 0.08, 0.05])
    probabilities = np.stack([row, row, row, row])
    assert prediction_metrics(probabilities, np.array([0, 4, 5, 5]))["top5"] == 0.5


def test_the_confusion_matrix_has_true_classes_as_rows():
    probabilities = np.eye(3)[[0, 1, 1, 2, 0]]
    targets = np.array([0, 0, 1, 2, 2])
    assert confusion_matrix(probabilities, targets) == [[1, 1, 0], [0, 1, 0], [1, 0, 1]]


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_wilson_interval_is_the_published_one(correct, total, low, high):
    assert wilson_interval(correct, total) == pytest.approx((low, high), abs=5e-5)


def test_the_wilson_interval_of_nothing_says_nothing_and_of_all_right_ends_at_one():
    assert wilson_interval(0, 0) == (0.0, 1.0)
    low, high = wilson_interval(20, 20)
    assert (low, high) == pytest.approx((1 - 0.1611, 1.0), abs=5e-5)
