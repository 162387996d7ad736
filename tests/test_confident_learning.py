"""The ranking of label errors, on probabilities small enough to work out by hand."""

import numpy as np

from search.label_errors.confident_learning import find_label_errors


def errors_of(rows, targets):
    return find_label_errors(np.array(rows, np.float32), np.array(targets, np.int32))


def test_the_least_credible_label_comes_first_and_what_is_not_in_doubt_does_not_come():
    given = [0.4, 0.9, 0.05, 0.6, 0.2, 0.7]
    rows = [[p, 1 - p] for p in given[:3]] + [[1 - p, p] for p in given[3:]]
    found = errors_of(rows, [0, 0, 0, 1, 1, 1])
    assert found.order.tolist() == [2, 4, 0]


def test_the_likelier_label_is_the_best_of_the_others():
    found = errors_of(
        [[0.1, 0.3, 0.6], [0.7, 0.1, 0.2], [0.2, 0.5, 0.3], [0.2, 0.1, 0.7]], [0, 0, 1, 2]
    )
    assert found.likelier.tolist() == [2, 2, 2, 0]
    assert found.order.tolist() == [0]


def test_of_equal_ones_the_first_image_comes_first():
    found = errors_of([[0.2, 0.8]] * 30 + [[0.1, 0.9]] * 2, [0] * 31 + [1])
    assert found.order.tolist() == [30, *range(30)]


def test_what_reaches_the_threshold_of_another_class_is_flagged():
    rows = [
        [0.9, 0.1],
        [0.8, 0.2],
        [0.1, 0.9],  # as sure as the images labelled 1 are on average: flagged
        [0.45, 0.55],  # in doubt, but less sure than they are
        [0.3, 0.7],
        [0.1, 0.9],
    ]
    found = errors_of(rows, [0, 0, 0, 0, 1, 1])  # thresholds: 0.5625 and 0.8
    assert found.order.tolist() == [2, 3]
    assert np.flatnonzero(found.flagged).tolist() == [2]


def test_a_label_that_is_the_likeliest_is_not_flagged_however_low_the_others_threshold_is():
    rows = [[1.0, 0.0], [0.9, 0.1], [0.7, 0.3], [0.9, 0.1], [0.7, 0.3]]
    found = errors_of(rows, [0, 0, 0, 1, 1])  # the threshold of class 1 is 0.2
    assert not found.flagged[2]
    assert np.flatnonzero(found.flagged).tolist() == [3]


def test_what_reaches_no_threshold_is_in_no_cell_of_the_joint():
    rows = [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.35, 0.25, 0.4]]
    found = errors_of(rows, [0, 1, 2, 1])
    assert found.order.tolist() == [3]
    assert not found.flagged.any()


def test_flags_are_about_as_many_as_labels_are_wrong():
    random = np.random.default_rng(0)
    true = random.integers(0, 3, 1500)
    given = true.copy()
    wrong = random.choice(1500, 60, replace=False)
    given[wrong] = (given[wrong] + 1) % 3
    logits = random.normal(0, 1, (1500, 3)) + 4 * np.eye(3)[true]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = errors_of(probabilities, given)
    assert 40 <= found.flagged.sum() <= 90
    assert np.isin(found.order[:60], wrong).mean() > 0.8
