"""Shift answers towards rare classes, where all classes shall count the same.

A model that is trained on unequal classes names the large ones too often for an objective that
counts all classes alike. Post-hoc logit adjustment (Menon et al. 2021, arXiv 2007.07314) takes
the logarithm of each class's frequency, times a strength, from its logit.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from search.evaluation.metrics import FloatArray, IntArray

_TINY = 1e-7
_STRENGTHS = np.linspace(0.0, 1.5, 16)  # 1 suits a model that is calibrated on the training images
_FOLDS = 5

Shares = Callable[[FloatArray, IntArray], NDArray[np.float64]]
"""What each image adds to the objective: see `search.evaluation.objective.Objective.shares`."""


def adjusted(
    probabilities: FloatArray, frequencies: NDArray[np.float64], strength: float
) -> NDArray[np.float64]:
    """Probabilities as they would be with all logits adjusted.

    Args:
        probabilities: [..., classes], rows sum to 1.
        frequencies: float [classes], shares of the images that were trained on, above 0.
        strength: 0 for none.
    """
    given = np.clip(np.asarray(probabilities, np.float64), _TINY, 1.0)
    weighted = given * frequencies**-strength
    return weighted / weighted.sum(axis=-1, keepdims=True)


def fit_strength(
    predictions: FloatArray,
    targets: IntArray,
    frequencies: NDArray[np.float64],
    shares: Shares,
) -> float:
    """The strength that is best for the objective; 0 where it is not shown to gain anything.

    Each fifth of the images is adjusted with the strength that is best on the others. What they
    gain together must be more than its standard error.

    Args:
        predictions: [trainings, n, classes].
        targets: int [n], class numbers.
        frequencies: float [classes], shares of the images that were trained on.
        shares: of the objective, more being better.
    """
    frequencies = np.maximum(frequencies, _TINY)
    tried = [adjusted(predictions, frequencies, strength) for strength in _STRENGTHS]
    folds = np.random.default_rng(0).permutation(len(targets)) % _FOLDS
    outside = np.empty_like(tried[0])
    for fold in range(_FOLDS):
        here, others = folds == fold, folds != fold
        best = _best([p[:, others] for p in tried], targets[others], shares)
        outside[:, here] = tried[best][:, here]
    gained = _mean_shares(outside, targets, shares) - _mean_shares(tried[0], targets, shares)
    error = gained.std() / np.sqrt(max(len(gained), 1))
    if gained.mean() <= error:
        return 0.0
    return float(_STRENGTHS[_best(tried, targets, shares)])


def _best(tried: list[NDArray[np.float64]], targets: IntArray, shares: Shares) -> int:
    """The number of the best; of equally good ones the middle, which is the safest."""
    scores = np.array([_mean_shares(p, targets, shares).mean() for p in tried])
    best = np.flatnonzero(scores >= scores.max() - 1e-12)
    return int(best[len(best) // 2])


def _mean_shares(
    predictions: NDArray[np.float64], targets: IntArray, shares: Shares
) -> NDArray[np.float64]:
    """The mean over trainings of what each image adds, float [n]."""
    return np.mean([shares(each, targets) for each in predictions], axis=0)
