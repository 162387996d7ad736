"""Find labels that are likely wrong, from predictions on images that were not trained on.

Confident learning (Northcutt, Jiang & Chuang 2021, "Confident Learning: Estimating Uncertainty in
Dataset Labels", JAIR 70, 1373-1411), with numpy alone. In the paper's words ỹ is the label given
(`targets`), y* the true one, p̂(ỹ=j; x) the probability of class j out of fold, and t_j the mean
of p̂(ỹ=j; x) over the images labelled j.

Suspects stand in the order of self-confidence p̂(ỹ; x), lowest first. The normalised margin
p̂(ỹ; x) - max over the others is the same order for two classes, and of ten handwritten digits
neither found more than the other; what the confident joint flags first, and then the rest, found
no more either.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LabelErrors:
    """What speaks against the labels.

    Attributes:
        order: int64, rows in which another class is likelier than the label, the least
            credible label first.
        likelier: int64 [n], the likeliest class besides the label.
        flagged: bool [n], counted off the diagonal of the confident joint C(ỹ, y*): as many
            labels as confident learning expects to be wrong.
    """

    order: NDArray[np.int64]
    likelier: NDArray[np.int64]
    flagged: NDArray[np.bool_]


def find_label_errors(
    probabilities: NDArray[np.float32], targets: NDArray[np.int32]
) -> LabelErrors:
    """Rank the images that are likely labelled wrong.

    Args:
        probabilities: float32 [n, classes], of models that did not see the image.
        targets: int32 [n], class numbers given.
    """
    rows = np.arange(len(targets))
    self_confidence = probabilities[rows, targets]
    others = probabilities.copy()
    # Below any probability: the label itself is never the likeliest of the others.
    others[rows, targets] = -1.0
    likelier = others.argmax(axis=1)
    doubted = others[rows, likelier] > self_confidence
    order = np.flatnonzero(doubted)
    # Stable, so that equal probabilities give the same order in each run.
    order = order[np.argsort(self_confidence[order], kind="stable")]
    return LabelErrors(order, likelier, doubted & _off_the_diagonal(probabilities, targets))


def _off_the_diagonal(
    probabilities: NDArray[np.float32], targets: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Say whether y*, the likeliest class that reaches its threshold t_j, is another than ỹ.

    Where none reaches its threshold the image is in no cell of the confident joint.
    """
    classes = range(probabilities.shape[1])
    # No mean of nothing: `possible_folds` refuses a class without images.
    thresholds = np.array([probabilities[targets == j, j].mean() for j in classes])
    confident = np.where(probabilities >= thresholds, probabilities, -1.0)
    true = confident.argmax(axis=1)
    return (confident.max(axis=1) >= 0) & (true != targets)
