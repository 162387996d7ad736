"""Split a score into the shares of single images, whose mean is the score.

With these a bootstrap can draw images again without computing the score anew each time.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.evaluation.metrics import FloatArray, IntArray

_TINY = 1e-7  # Keras's epsilon, below which a probability is not taken for true


def hits(probabilities: FloatArray, targets: IntArray) -> NDArray[np.float64]:
    """1 for each image that is right, else 0: the mean is the accuracy.

    Args:
        probabilities: [n, classes].
        targets: int [n].
    """
    return (probabilities.argmax(axis=1) == targets).astype(np.float64)


def recall_shares(probabilities: FloatArray, targets: IntArray) -> NDArray[np.float64]:
    """How much each image adds to the balanced accuracy, which is the mean.

    The mean of the recalls of all classes that have images (Brodersen et al. 2010, "The balanced
    accuracy and its posterior distribution"), linear in the images around its value: by how much
    an image is more right than its class, times how rare that is.

    Args:
        probabilities: [n, classes].
        targets: int [n].
    """
    right = hits(probabilities, targets)
    counts = np.bincount(targets, minlength=probabilities.shape[1])
    recalls = np.bincount(targets, weights=right, minlength=len(counts)) / np.maximum(counts, 1)
    present = counts > 0
    weights = len(targets) / (present.sum() * counts[targets])
    return recalls[present].mean() + (right - recalls[targets]) * weights


def f1_shares(probabilities: FloatArray, targets: IntArray) -> NDArray[np.float64]:
    """How much each image adds to the macro F1, which is the mean.

    The mean over all classes, of images or of answers, of 2 TP / (images + answers), linear in the
    images around its value.

    Args:
        probabilities: [n, classes].
        targets: int [n].
    """
    answers = probabilities.argmax(axis=1)
    classes, count = probabilities.shape[1], len(targets)
    right = answers == targets
    sizes = np.bincount(targets, minlength=classes) + np.bincount(answers, minlength=classes)
    present = sizes > 0
    scores = 2 * np.bincount(targets[right], minlength=classes) / np.maximum(sizes, 1)
    weights = count / (present.sum() * np.maximum(sizes, 1))
    shares = np.full(count, scores[present].mean())
    shares += np.where(right, 2 * weights[targets], 0.0)
    shares -= scores[targets] * weights[targets] + scores[answers] * weights[answers]
    return shares


def log_likelihoods(probabilities: FloatArray, targets: IntArray) -> NDArray[np.float64]:
    """Logarithm of the probability of each true class: the mean is the negative log loss.

    Args:
        probabilities: [n, classes].
        targets: int [n].
    """
    chosen = probabilities[np.arange(len(targets)), targets].astype(np.float64)
    return np.log(np.clip(chosen, _TINY, 1 - _TINY))


def area_shares(probabilities: FloatArray, targets: IntArray) -> NDArray[np.float64]:
    """How much each image adds to the area under the ROC curve, which is the mean.

    Args:
        probabilities: [n, classes].
        targets: int [n].
    """
    classes = probabilities.shape[1]
    columns = [1] if classes == 2 else range(classes)
    areas = [_of_one_class(probabilities[:, k], targets == k) for k in columns]
    known = [area for area in areas if area is not None]
    return np.mean(known, axis=0) if known else np.full(len(targets), 0.5)


def _of_one_class(scores: FloatArray, positive: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    """Shares of the area under the ROC curve: with how many of the other class each is in order.

    These are the structural components of DeLong et al. 1988, scaled so that their mean is the
    area; None where there is no positive or no negative.
    """
    count, positives = len(scores), int(positive.sum())
    if positives in (0, count):
        return None
    below = np.sort(scores[~positive])
    above = np.sort(scores[positive])
    shares = np.empty(count)
    shares[positive] = _between(below, scores[positive]) / len(below)
    shares[~positive] = 1 - _between(above, scores[~positive]) / len(above)
    area = shares[positive].mean()
    weights = np.where(positive, count / positives, count / (count - positives))
    return area + (shares - area) * weights


def _between(ordered: NDArray[Any], scores: NDArray[Any]) -> NDArray[np.float64]:
    """How many of `ordered` lie below each score, equal ones counted half."""
    left = np.searchsorted(ordered, scores, side="left")
    right = np.searchsorted(ordered, scores, side="right")
    return (left + right) / 2


def equal_images(targets: IntArray) -> float:
    """How many images would tell the mean of recalls as exactly if each class had as many.

    Args:
        targets: int [n], class numbers; one image or more.
    """
    counts = np.bincount(targets)
    counts = counts[counts > 0]
    return len(counts) ** 2 / float((1 / counts).sum())
