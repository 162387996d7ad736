"""What is fitted on the winner's predictions of the images to validate on."""

from types import SimpleNamespace

import numpy as np
import pytest
from searching import run_config

from search.evaluation.shares import recall_shares
from search.selection.calibrate import calibrate, class_frequencies

COUNT = 400


@pytest.fixture
def unequal():
    """Nine of ten images are of one class, half of them to validate on; and what a model says."""
    random = np.random.default_rng(0)
    targets = (np.arange(2 * COUNT) % 10 == 0).astype(np.int32)
    evidence = 3.0 * targets[COUNT:] - 4.0 + random.normal(size=COUNT)
    rare = 1 / (1 + np.exp(-evidence))
    rows = np.arange(2 * COUNT)
    experiment = SimpleNamespace(
        targets=targets, validation=rows[COUNT:], class_counts=(1.8 * COUNT, 0.2 * COUNT)
    )
    return experiment, np.stack([1 - rare, rare], axis=1)[None]


def test_answers_are_shifted_towards_rare_classes_where_the_objective_counts_classes(unequal):
    experiment, predictions = unequal
    np.testing.assert_allclose(class_frequencies(experiment), [0.9, 0.1])
    none = SimpleNamespace(class_counts=(9, 0))
    np.testing.assert_allclose(class_frequencies(none), [0.9, 0.1])
    experiment.config = run_config(objective="val_accuracy")
    assert calibrate(experiment, predictions, precision=None).adjustment == 0
    experiment.config = run_config(objective="val_balanced_accuracy")
    fitted = calibrate(experiment, predictions, precision=None)
    assert fitted.adjustment > 0.3
    targets = experiment.targets[experiment.validation]
    weight = np.array([0.9, 0.1]) ** -fitted.adjustment
    shifted = predictions[0] * weight / (predictions[0] * weight).sum(axis=1, keepdims=True)
    before, after = (recall_shares(p, targets).mean() for p in (predictions[0], shifted))
    assert after > before + 0.05
