"""Solve logistic regression on features: the weights of a model's last layer, in one go."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PENALTIES = (1.0, 0.1, 0.01, 0.001)
"""Strengths of the L2 penalty on standardised features, per image, of which one is chosen."""

_HELD_OUT = 5  # every fifth image judges the penalties
_JUDGES = 10  # fewest held-out images that can choose between penalties
_USUAL = 0.1  # the penalty where there are fewer
_MOST = 2_000  # images that the penalties are compared on, at most
_ITERATIONS = 100
_SMALLEST_DEVIATION = 1e-6


class LastLayer(NamedTuple):
    """Weights of the layer "probabilities" (`models.families.head.probabilities`).

    Attributes:
        kernel: float32 [features, 1] for two classes, else [features, classes].
        bias: float32 [1] or [classes].
    """

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]


def solve(
    features: NDArray[np.float32], targets: NDArray[np.int32], *, num_classes: int
) -> LastLayer:
    """Fit logistic regression with an L2 penalty (scikit-learn's, by L-BFGS).

    The penalty is chosen by log loss on every fifth image, then all are fitted.

    Args:
        features: float32 [n, features].
        targets: int [n], class numbers; a class may be absent.
        num_classes: Two or more.
    """
    mean = features.mean(axis=0)
    deviation = np.maximum(features.std(axis=0), _SMALLEST_DEVIATION)
    scaled = (features - mean) / deviation
    kernel, bias = _fitted(scaled, targets, _penalty(scaled, targets, num_classes), num_classes)
    # The scaling is folded in: the layer takes features as they are.
    kernel = kernel / deviation[:, None]
    return LastLayer(kernel.astype(np.float32), (bias - mean @ kernel).astype(np.float32))


def _penalty(scaled: NDArray[np.float32], targets: NDArray[np.int32], num_classes: int) -> float:
    scaled, targets = scaled[:_MOST], targets[:_MOST]
    held = np.arange(len(targets)) % _HELD_OUT == _HELD_OUT - 1
    if held.sum() < _JUDGES or len(np.unique(targets[~held])) < 2:
        return _USUAL

    def loss(penalty: float) -> float:
        layer = _fitted(scaled[~held], targets[~held], penalty, num_classes)
        return _log_loss(scaled[held] @ layer.kernel + layer.bias, targets[held])

    return min(PENALTIES, key=loss)


def _log_loss(logits: NDArray[np.float32], targets: NDArray[np.int32]) -> float:
    if logits.shape[1] == 1:
        logits = np.hstack([np.zeros_like(logits), logits])
    of_target = logits[np.arange(len(targets)), targets]
    return float((np.logaddexp.reduce(logits, axis=1) - of_target).mean())


def _fitted(
    scaled: NDArray[np.float32], targets: NDArray[np.int32], penalty: float, num_classes: int
) -> LastLayer:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    present = np.unique(targets)
    columns = 1 if num_classes == 2 else num_classes
    kernel = np.zeros((scaled.shape[1], columns), np.float32)
    # As unlikely as a class of which none of so many images is.
    bias = np.full(columns, -np.log(len(targets) + 1.0), np.float32)
    if len(present) == 1:
        bias[present[0] * (columns > 1)] *= 1 if present[0] == 0 and columns == 1 else -1
        return LastLayer(kernel, bias)
    regression = LogisticRegression(C=1 / (penalty * len(targets)), max_iter=_ITERATIONS)
    with warnings.catch_warnings():
        # Stopped after so many steps it is good enough: the penalty is a choice of four.
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(scaled, targets)
    coefficients, intercept = regression.coef_.T, regression.intercept_
    if len(present) == 2 and columns > 1:  # scikit-learn has one column then
        coefficients = np.hstack([0 * coefficients, coefficients])
        intercept = np.array([0.0, intercept[0]])
    chosen = present if columns > 1 else [0]
    kernel[:, chosen], bias[chosen] = coefficients, intercept
    return LastLayer(kernel, bias)
