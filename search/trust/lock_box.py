"""The pictures that the search never saw, and how often they were looked at."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.experiment import Experiment, Pictures
from search.metrics import FloatArray, IntArray, confusion_matrix, evaluate, wilson_interval
from search.store import read_json, write_json
from search.training import predict
from search.trust.calibration import answered, expected_calibration_error, with_temperature
from search.trust.slices import by_slice


def measure(
    probabilities: FloatArray, targets: IntArray, labels: tuple[str, ...]
) -> dict[str, Any]:
    """What is reported of predictions on pictures whose class is known."""
    correct = int((probabilities.argmax(axis=1) == targets).sum())
    counts = np.bincount(targets, minlength=len(labels))
    return {
        **evaluate(probabilities, targets),
        "accuracy_interval": list(wilson_interval(correct, len(targets))),
        "ece": expected_calibration_error(probabilities, targets),
        "pictures": len(targets),
        "class_counts": {label: int(n) for label, n in zip(labels, counts, strict=True)},
        "majority_class_accuracy": float(counts.max() / max(len(targets), 1)),
        "labels": list(labels),
        "confusion_matrix": confusion_matrix(probabilities, targets),
    }


def open_lock_box(
    experiment: Experiment, model: Any, *, temperature: float, threshold: float | None
) -> dict[str, Any]:
    """Open the lock box: accuracy with its 95 % interval, calibration, slices.

    How often it was opened is counted in the run folder: each further look makes the number
    a little less honest, and a reader should know.

    Args:
        experiment: the run.
        model: as it will leave the house, its logits divided by `temperature`.
        temperature: what they were divided by.
        threshold: confidence from which it answers; None for always.

    Returns:
        What `measure` gives, and "lock_box_opened", "ece_uncalibrated", "slices" and, with a
        threshold, "abstain".
    """
    opened = _count(experiment)
    targets = experiment.targets[experiment.test]
    probabilities = predict(model, experiment.pixels, experiment.test)
    uncalibrated = with_temperature(probabilities, 1 / temperature)
    measured = measure(probabilities, targets, experiment.labels) | {
        "lock_box_opened": opened,
        "ece_uncalibrated": expected_calibration_error(uncalibrated, targets),
        "slices": _slices(experiment, probabilities.argmax(axis=1) == targets),
    }
    if threshold is not None:
        measured["abstain"] = answered(probabilities, targets, threshold=threshold)
    return measured


def _count(experiment: Experiment) -> int:
    box = experiment.run.path / "lock_box.json"
    opened = (read_json(box)["opened"] if box.exists() else 0) + 1
    write_json(box, {"opened": opened})
    return opened


def _slices(experiment: Experiment, right: NDArray[np.bool_]) -> list[dict[str, Any]]:
    pictures = Pictures.load(experiment.run)
    return by_slice(experiment, pictures, experiment.test, right)
