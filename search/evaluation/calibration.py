"""Calibrate the confidence of a model, and find the confidence from which it may answer.

Predictions of several trainings of one configuration on the same images are taken together:
float [seeds, n, classes]. What is fitted here is fitted on validation images, what is reported
is measured on others.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from search.evaluation.intervals import wilson_interval
from search.evaluation.metrics import FloatArray, IntArray

_TINY = 1e-7  # below it a probability counts as this: the logarithm of 0 is infinite
# Beyond these a model is not miscalibrated but broken, or never wrong on these images.
_TEMPERATURES = np.geomspace(0.2, 5.0, 323)  # one per cent apart; 1 is among them
_MAX_PROBABILITIES = 3_000_000  # probabilities that a temperature is fitted on at most: seconds
_MIN_IMAGES = 1_000  # images, however many classes
_PRIOR = 0.25  # standard deviation of the logarithm of temperatures, before anything is seen


def with_temperature(probabilities: FloatArray, temperature: float) -> NDArray[np.float64]:
    """Probabilities as they would be with all logits divided by `temperature`.

    Args:
        probabilities: [..., classes], rows sum to 1.
        temperature: above 1 makes them less sure, below 1 surer.
    """
    logits = np.log(np.clip(np.asarray(probabilities, np.float64), _TINY, 1.0)) / temperature
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def fit_temperature(probabilities: FloatArray, targets: IntArray) -> float:
    """The temperature at which these images are likeliest (Guo et al. 2017, arXiv 1706.04599).

    Nobody is taken to be certain: of n images one more is imagined that is wrong (Platt 1999),
    since a model without a mistake on few images would be made infinitely sure. And a prior
    draws towards 1: the exported model has learnt from these images too, and from more it
    becomes less overconfident than those that were trained without them. On five splits of
    2,000 photos the temperature that suited unseen photos was 0.09 to 0.38 below that of the
    likelihood alone.

    Args:
        probabilities: [seeds, n, classes].
        targets: int [n], class numbers.
    """
    seeds, count, classes = probabilities.shape
    if count > (most := max(_MIN_IMAGES, _MAX_PROBABILITIES // (seeds * classes))):
        picks = np.random.default_rng(0).choice(count, most, replace=False)
        probabilities, targets = probabilities[:, picks], targets[picks]
    wrong = 1.0 / (count + 2)
    expected = np.full((len(targets), classes), wrong / (classes - 1))
    expected[np.arange(len(targets)), targets] = 1.0 - wrong

    def loss(temperature: float) -> float:
        adjusted = np.clip(with_temperature(probabilities, temperature), 1e-30, 1.0)
        return float(-np.mean(np.sum(expected * np.log(adjusted), axis=-1)))

    def surprise(temperature: float) -> float:
        return count * loss(temperature) + math.log(temperature) ** 2 / (2 * _PRIOR**2)

    return float(min(_TEMPERATURES, key=surprise))


def closest_temperature(probabilities: FloatArray, wished: FloatArray) -> float:
    """The temperature by which probabilities come closest to others, in cross-entropy.

    Args:
        probabilities: [n, classes].
        wished: [n, classes], as they should be.
    """

    def loss(temperature: float) -> float:
        adjusted = np.clip(with_temperature(probabilities, temperature), 1e-30, 1.0)
        return float(-np.mean(np.sum(wished * np.log(adjusted), axis=-1)))

    return float(min(_TEMPERATURES, key=loss))


def abstain_threshold(
    probabilities: FloatArray, targets: IntArray, *, precision: float
) -> float | None:
    """The least confidence at which answers are right as often as wished.

    Counts one image more than was seen, a wrong one, so that few images do not promise much:
    after conformal risk control (Angelopoulos et al. 2022, arXiv 2208.02814), whose guarantee
    this is not, since precision need not grow with the threshold.

    Args:
        probabilities: [seeds, n, classes].
        targets: int [n].
        precision: share of right answers among those given, below 1.

    Returns:
        A confidence, 0 to 1; None if no threshold keeps to `precision` on these images.
    """
    confidence, promised = _promises(probabilities, targets)
    kept = promised >= precision - 1e-9  # 1 - 1 / 10 is less than 0.9
    return float(confidence[np.flatnonzero(kept)[-1]]) if kept.any() else None


def highest_promise(probabilities: FloatArray, targets: IntArray) -> float:
    """The highest precision for which `abstain_threshold` finds a threshold."""
    return float(_promises(probabilities, targets)[1].max(initial=0.0))


def _promises(
    probabilities: FloatArray, targets: IntArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Confidences from the highest on, and the precision that each can promise as threshold."""
    confidence = probabilities.max(axis=-1).ravel().astype(np.float64)
    wrong = (probabilities.argmax(axis=-1) != targets).ravel()
    order = np.argsort(-confidence, kind="stable")
    given = np.arange(1, len(order) + 1) / len(probabilities)
    errors = np.cumsum(wrong[order]) / len(probabilities)
    # Of equal confidences all are answered, or none.
    last = np.append(np.diff(confidence[order]) < 0, True)
    return confidence[order][last], (1 - (errors + 1) / (given + 1))[last]


@dataclass(frozen=True)
class Calibration:
    """How sure a model may be, fitted on validation.

    Attributes:
        temperature: by which its logits are divided.
        threshold: confidence from which it answers; None for always.
        validation_ece: expected calibration error before and after, on what it was fitted on.
        adjustment: strength of the logit adjustment (`search.evaluation.logit_adjustment`) before
            that; 0 for none.
    """

    temperature: float
    threshold: float | None
    validation_ece: tuple[float, float]
    adjustment: float = field(default=0.0, metadata={"omit": True})


@dataclass(frozen=True)
class Abstention:
    """What comes of answering only from a confidence on.

    Attributes:
        coverage, answered: share and number of the images that are answered.
        precision, precision_interval: share of right answers among those; None without any.
    """

    coverage: float
    answered: int
    precision: float | None
    precision_interval: tuple[float, float]


def answered(probabilities: FloatArray, targets: IntArray, *, threshold: float) -> Abstention:
    """Measure what comes of answering only from `threshold` on.

    Args:
        probabilities: [n, classes].
        targets: int [n].
        threshold: confidence, 0 to 1.
    """
    given = probabilities.max(axis=1) >= threshold
    right = int((probabilities.argmax(axis=1) == targets)[given].sum())
    count = int(given.sum())
    return Abstention(
        coverage=count / max(len(targets), 1),
        answered=count,
        precision=right / count if count else None,
        precision_interval=wilson_interval(right, count),
    )
