"""Fit how sure an exported model may be on the winner's validation predictions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.families.head import divide_logits, shift_logits
from search.errors import TuneError
from search.evaluation.calibration import (
    Calibration,
    abstain_threshold,
    fit_temperature,
    highest_promise,
    with_temperature,
)
from search.evaluation.logit_adjustment import adjusted, fit_strength
from search.evaluation.metrics import FloatArray, expected_calibration_error
from search.run_folder.config import objective_of
from search.trial.experiment import Experiment


def require_enough(experiment: Experiment, precision: float | None) -> None:
    """Refuse a precision that is out of reach, before anything is trained.

    Raises:
        TuneError: even without a mistake, so few validation images cannot show it.
    """
    count = len(experiment.validation)
    # `abstain_threshold` counts one image more than was seen, a wrong one. And rounding must
    # not refuse a precision that is reached exactly: hence 1e-9.
    if precision is not None and 1 - 1 / (count + 1) < precision - 1e-9:
        raise TuneError(
            f"--precision {precision:g} cannot be promised: {count} validation images, all "
            f"answered rightly, would show {1 - 1 / (count + 1):.4f} at most; ask for less, or "
            "search with more images"
        )


def calibrate(
    experiment: Experiment, before: FloatArray, *, precision: float | None
) -> Calibration:
    """Fit logit adjustment, temperature and threshold on the winner's validation predictions.

    Args:
        experiment: the run.
        before: probabilities [trainings, validation images, classes].
        precision: wished share of right answers among those given; None for no threshold.

    Raises:
        TuneError: no threshold keeps to `precision` there.
    """
    targets = experiment.targets[experiment.validation]
    objective = objective_of(experiment.config)
    adjustment = 0.0
    if objective.counts_classes:
        frequencies = class_frequencies(experiment)
        adjustment = fit_strength(before, targets, frequencies, objective.shares)
        before = adjusted(before, frequencies, adjustment)
    temperature = fit_temperature(before, targets)
    after = with_temperature(before, temperature)
    threshold = None
    if precision is not None:
        threshold = abstain_threshold(after, targets, precision=precision)
        if threshold is None:
            raise TuneError(
                f"--precision {precision:g} cannot be promised: what the model answers to the "
                f"{len(targets)} validation images allows {highest_promise(after, targets):.4f} "
                "at most; ask for less, or search with more images"
            )

    def ece(trainings: Any) -> float:
        # Of each training by itself: their mean would be an ensemble, which is not exported.
        return float(np.mean([expected_calibration_error(p, targets) for p in trainings]))

    return Calibration(temperature, threshold, (ece(before), ece(after)), adjustment)


def calibrate_model(model: Any, calibration: Calibration, experiment: Experiment) -> None:
    """Build what was fitted into a model, in place: its answers are then as they were calibrated.

    Args:
        model: ends in what `models.families.head.probabilities` made.
        calibration: of the winner.
        experiment: the run.
    """
    if calibration.adjustment:
        shift_logits(model, -calibration.adjustment * np.log(class_frequencies(experiment)))
    divide_logits(model, calibration.temperature)


def class_frequencies(experiment: Experiment) -> NDArray[np.float64]:
    """Shares of the classes among the images that an exported model is trained on.

    A class without any counts as having one: a share of 0 cannot be made up for.
    """
    counts = np.maximum(experiment.class_counts, 1)
    return np.asarray(counts / counts.sum())
