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
    features: NDArray[np.float32],
    targets: NDArray[np.int32],
    *,
    num_classes: int,
    penalty: float | None = None,
) -> LastLayer:
    """Fit logistic regression with an L2 penalty (scikit-learn's, by L-BFGS).

    Args:
        features: float32 [n, features].
        targets: int [n], class numbers; a class may be absent.
        num_classes: Two or more.
        penalty: As one of `PENALTIES`; None to choose it by log loss on every fifth image, before
            all are fitted.
    """
    mean = features.mean(axis=0)
    deviation = np.maximum(features.std(axis=0), _SMALLEST_DEVIATION)
    scaled = (features - mean) / deviation
    if penalty is None:
        penalty = _penalty(scaled, targets, num_classes)
    kernel, bias = _fitted(scaled, targets, penalty, num_classes)
    # The scaling is folded in: the layer takes features as they are.
    kernel = kernel / deviation[:, None]
    return LastLayer(kernel.astype(np.float32), (bias - mean @ kernel).astype(np.float32))


def out_of_fold(
    features: NDArray[np.float32],
    targets: NDArray[np.int32],
    fold_of: NDArray[np.int64],
    *,
    num_classes: int,
) -> NDArray[np.float32]:
    """Predict each image by a layer that is fitted to all folds but its own.

    One penalty, chosen as `solve` does, serves all folds.

    Args:
        features: float32 [n, features].
        targets: int [n], class numbers.
        fold_of: int [n], the fold of each image.
        num_classes: Two or more.

    Returns:
        Class probabilities, float32 [n, num_classes].
    """
    spread = np.maximum(features.std(axis=0), _SMALLEST_DEVIATION)
    penalty = _penalty((features - features.mean(axis=0)) / spread, targets, num_classes)
    probabilities = np.empty((len(targets), num_classes), np.float32)
    for fold in np.unique(fold_of):
        held = fold_of == fold
        layer = solve(features[~held], targets[~held], num_classes=num_classes, penalty=penalty)
        logits = _all_logits(features[held] @ layer.kernel + layer.bias)
        probabilities[held] = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    return probabilities


def _penalty(scaled: NDArray[np.float32], targets: NDArray[np.int32], num_classes: int) -> float:
    if len(targets) > _MOST:
        # At random: images come sorted by class.
        some = np.random.default_rng(0).permutation(len(targets))[:_MOST]
        scaled, targets = scaled[some], targets[some]
    held = np.arange(len(targets)) % _HELD_OUT == _HELD_OUT - 1
    if held.sum() < _JUDGES or len(np.unique(targets[~held])) < 2:
        return _USUAL

    def loss(penalty: float) -> float:
        layer = _fitted(scaled[~held], targets[~held], penalty, num_classes)
        return _log_loss(scaled[held] @ layer.kernel + layer.bias, targets[held])

    return min(PENALTIES, key=loss)


def _log_loss(logits: NDArray[np.float32], targets: NDArray[np.int32]) -> float:
    logits = _all_logits(logits)
    of_target = logits[np.arange(len(targets)), targets]
    return float((np.logaddexp.reduce(logits, axis=1) - of_target).mean())


def _all_logits(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """One column for each class: of two classes the layer has one."""
    return np.hstack([0 * logits, logits]) if logits.shape[1] == 1 else logits


def _fitted(
    scaled: NDArray[np.float32], targets: NDArray[np.int32], penalty: float, num_classes: int
) -> LastLayer:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    present = np.unique(targets)
    columns = 1 if num_classes == 2 else num_classes
    kernel = np.zeros((scaled.shape[1], columns), np.float32)
    # As unlikely as a class of which none of so many images is.
    bias = np.full(columns, -np.log(len(targets) + 1.0), np.float32)
    if len(present) == 1:
        bias[present[0] * (columns > 1)] *= 1 if present[0] == 0 and columns == 1 else -1
        return LastLayer(kernel, bias)
    regression = LogisticRegression(C=1 / (penalty * len(targets)), max_iter=_ITERATIONS)
    # One thread takes a tenth to two thirds of the time of two, from 500 images to 50,000: matrices
    # of so few columns are too small to share, and threads wait for each other at every step.
    with warnings.catch_warnings(), threadpool_limits(limits=1, user_api="blas"):
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
