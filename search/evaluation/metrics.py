"""Compute accuracy, log loss, AUC and calibration error from probabilities.

Training metrics of Keras are running means over batches; what ranks configurations and what is
printed is computed here, once, over the whole split.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from search.evaluation.classes import balanced_accuracy
from search.evaluation.intervals import wilson_interval

FloatArray = NDArray[np.float32] | NDArray[np.float64]
IntArray = NDArray[np.int32] | NDArray[np.int64]

BINS = 15  # of confidence, as is customary since Guo et al. 2017 (arXiv 1706.04599)
_TINY = 1e-7  # Keras's epsilon: probabilities are clipped to [_TINY, 1 - _TINY] in the log loss


def two_columns(probabilities: FloatArray) -> FloatArray:
    """[n, 1] of one sigmoid unit → [n, 2]; [n, classes] stays as it is."""
    if probabilities.shape[1] > 1:
        return probabilities
    return np.concatenate([1.0 - probabilities, probabilities], axis=1)


def prediction_metrics(probabilities: FloatArray, targets: IntArray) -> dict[str, float]:
    """Accuracy, loss (log loss), AUC and, with more than 5 classes, top-5 accuracy.

    Args:
        probabilities: float [n, classes], rows sum to 1.
        targets: int [n], class numbers.
    """
    chosen = probabilities[np.arange(len(targets)), targets]
    result = {
        "accuracy": float(np.mean(probabilities.argmax(axis=1) == targets)),
        "loss": float(-np.mean(np.log(np.clip(chosen, _TINY, 1 - _TINY)))),
        "auc": auc(probabilities, targets),
    }
    if probabilities.shape[1] > 5:
        better = (probabilities > chosen[:, None]).sum(axis=1)
        result["top5"] = float(np.mean(better < 5))
    return result


def auc(probabilities: FloatArray, targets: IntArray) -> float:
    """Area under the ROC curve; for more than two classes the mean over one-against-rest.

    Equals the probability that a random positive scores above a random negative, ties half
    (Mann–Whitney). Classes without a positive or a negative are left out; 0.5 if all are.
    """
    classes = probabilities.shape[1]
    columns = [1] if classes == 2 else range(classes)
    areas = [_binary_auc(probabilities[:, k], targets == k) for k in columns]
    known = [area for area in areas if not math.isnan(area)]
    return float(np.mean(known)) if known else 0.5


def _binary_auc(scores: NDArray[np.floating], positive: NDArray[np.bool_]) -> float:
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if not positives or not negatives:
        return math.nan
    _, where, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean_rank = last - (counts - 1) / 2  # ranks from 1; equal scores share their mean rank
    rank_sum = mean_rank[where][positive].sum()
    return float((rank_sum - positives * (positives + 1) / 2) / (positives * negatives))


def confusion_matrix(probabilities: FloatArray, targets: IntArray) -> list[list[int]]:
    """Counts [true class][predicted class]."""
    classes = probabilities.shape[1]
    flat = targets * classes + probabilities.argmax(axis=1)
    counts = np.bincount(flat, minlength=classes * classes)
    return [[int(count) for count in row] for row in counts.reshape(classes, classes)]


def expected_calibration_error(probabilities: FloatArray, targets: IntArray) -> float:
    """Mean distance of confidence and accuracy over 15 bins of confidence, 0 to 1 (ECE).

    Args:
        probabilities: [n, classes].
        targets: int [n].
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == targets
    numbers = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(numbers, weights=confidence - right, minlength=BINS)
    return float(np.abs(gaps).sum() / max(len(targets), 1))


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What is reported of predictions on images whose class is known; JSON has the same order.

    Attributes:
        accuracy, loss, auc: share of right answers, log loss, area under the ROC curve.
        top5: share of images whose class is among the five likeliest; None for few classes.
        balanced_accuracy: mean of the recalls of all classes; None where an older version did not
            write it.
        accuracy_interval: 95 % of the accuracy.
        ece: expected calibration error, 0 to 1.
        images: how many there are.
        class_counts: images of each class.
        majority_class_accuracy: what always answering with the largest class reaches.
        class_names: in the order of class numbers.
        confusion_matrix: counts [true class][predicted class].
    """

    accuracy: float
    loss: float
    auc: float
    top5: float | None = field(default=None, metadata={"omit": True})
    balanced_accuracy: float | None = field(default=None, metadata={"omit": True})
    accuracy_interval: tuple[float, float]
    ece: float
    images: int = field(metadata={"key": "pictures"})
    class_counts: dict[str, int]
    majority_class_accuracy: float
    class_names: tuple[str, ...] = field(metadata={"key": "labels"})
    confusion_matrix: list[list[int]]

    @property
    def unequal(self) -> bool:
        """Whether the classes are not equally many, so that the balanced accuracy is another."""
        return self.balanced_accuracy is not None and len(set(self.class_counts.values())) > 1


def measure(
    probabilities: FloatArray, targets: IntArray, class_names: tuple[str, ...]
) -> Measurement:
    """Measure predictions on images whose class is known.

    Args:
        probabilities: float [n, classes].
        targets: int [n], class numbers.
        class_names: of the classes.
    """
    correct = int((probabilities.argmax(axis=1) == targets).sum())
    counts = np.bincount(targets, minlength=len(class_names))
    matrix = confusion_matrix(probabilities, targets)
    return Measurement(
        **prediction_metrics(probabilities, targets),
        balanced_accuracy=balanced_accuracy(matrix),
        accuracy_interval=wilson_interval(correct, len(targets)),
        ece=expected_calibration_error(probabilities, targets),
        images=len(targets),
        class_counts={label: int(n) for label, n in zip(class_names, counts, strict=True)},
        majority_class_accuracy=float(counts.max() / max(len(targets), 1)),
        class_names=tuple(class_names),
        confusion_matrix=matrix,
    )
