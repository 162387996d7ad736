"""How two models differ on the same images, and whether that may be chance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from search.evaluation.intervals import paired_interval, paired_recall_interval
from search.process.wording import counted

ACCURACY, BALANCED_ACCURACY = "accuracy", "balanced accuracy"


@dataclass(frozen=True)
class Difference:
    """How two exported models differ on the same images.

    Attributes:
        first, second: names of the runs.
        images: that both were tested on, and so neither was trained on.
        same: whether these are all test images of both.
        accuracies: of the two on them, or the balanced accuracies.
        difference: the first's less the second's.
        interval: 95 % of that, by pairs (`search.evaluation.intervals`).
        metric: "accuracy", or "balanced accuracy" where all classes count the same in the search.
    """

    first: str
    second: str
    images: int
    same: bool
    accuracies: tuple[float, float]
    difference: float
    interval: tuple[float, float]
    metric: str = ACCURACY

    def in_words(self) -> str:
        """Say which is better, or that it may be chance."""
        low, high = self.interval
        one, other = self.accuracies
        where = "the same" if self.same else "their common"
        figures = (
            f"{self.metric} {one:.4f} and {other:.4f} on {where} "
            f"{counted(self.images, 'test image')}, a "
            f"difference of {self.difference:+.4f} (95 % interval {low:+.4f} to {high:+.4f})"
        )
        if low <= 0 <= high:
            return f"{self.first} and {self.second} are level: {figures}"
        better, worse = (self.first, self.second)[:: 1 if low > 0 else -1]
        return f"{better} is better than {worse}: {figures}"


def difference_of(
    first: str,
    second: str,
    pairs: Sequence[tuple[bool, bool]],
    *,
    same: bool,
    labels: Sequence[str] | None = None,
) -> Difference:
    """Compare two models by which of them has each image right.

    Args:
        first, second: what they are called.
        pairs: of each image whether the first and whether the second has it right; one or more.
        same: whether these are all test images of both.
        labels: of each image, where all classes count the same; None where all images do.
    """
    if labels is not None:
        return _balanced(first, second, pairs, same=same, labels=labels)
    counts = [pairs.count(pair) for pair in ((True, True), (True, False), (False, True))]
    both, mine, theirs = counts
    total = len(pairs)
    return Difference(
        first=first,
        second=second,
        images=total,
        same=same,
        accuracies=((both + mine) / total, (both + theirs) / total),
        difference=(mine - theirs) / total,
        interval=paired_interval(both, mine, theirs, total - sum(counts)),
    )


def _balanced(
    first: str,
    second: str,
    pairs: Sequence[tuple[bool, bool]],
    *,
    same: bool,
    labels: Sequence[str],
) -> Difference:
    """Compare two models by the means of their recalls."""
    of_class: dict[str, list[tuple[bool, bool]]] = {}
    for label, pair in zip(labels, pairs, strict=True):
        of_class.setdefault(label, []).append(pair)
    recalls = np.array([np.mean(own, axis=0) for own in of_class.values()]).mean(axis=0)
    counts = [
        (len(own), own.count((True, False)), own.count((False, True))) for own in of_class.values()
    ]
    return Difference(
        first=first,
        second=second,
        images=len(pairs),
        same=same,
        accuracies=(float(recalls[0]), float(recalls[1])),
        difference=float(recalls[0] - recalls[1]),
        interval=paired_recall_interval(counts),
        metric=BALANCED_ACCURACY,
    )
