"""The objectives of a search, by name. A new objective is one row in `OBJECTIVES`.

Imports without numpy, so that `tune show` answers at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from search.errors import TuneError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from search.evaluation.metrics import FloatArray, IntArray

Logs = dict[str, float]
ACCURACY = "val_accuracy"
"""Accuracy on validation as it stands in every history, whatever the objective is."""
MEASURED = (ACCURACY, "val_auc", "val_loss")
"""What every history holds, whatever the objective is."""
BALANCED = "val_balanced_accuracy"
AUTO = "auto"
"""Stands for the objective that suits the classes, until they are known."""
UNEQUAL = 2.0
"""How many times the images of the smallest class the largest has at most, where accuracy is the
objective by default."""
AS_GOOD_WITHIN = 0.01
"""How much worse than the best something may be that is cheaper to run: one point of accuracy."""


@dataclass(frozen=True)
class Objective:
    """One way to score a configuration by its predictions on the validation images.

    Attributes:
        name: The value of `--objective`, and the key in the history of a trial: "val_...".
        direction: "max" or "min", as KerasTuner has it.
        words: What it is called in a sentence.
        shares: What each image adds to it, float [n], given probabilities [n, classes] and
            targets int [n]. The mean is the score, negated where less is better: of shares more
            is always better.
        counts_classes: Whether all classes count the same, however few images they have.
        counts_images: Whether it is the share of the images that are right, so that its
            standard error is known.
    """

    name: str
    direction: str
    words: str
    shares: Callable[[FloatArray, IntArray], NDArray[np.float64]]
    counts_images: bool = False
    counts_classes: bool = False

    @property
    def sign(self) -> float:
        """1, or -1 where less is better: times a score, more is better."""
        return 1.0 if self.direction == "max" else -1.0

    @property
    def worst(self) -> float:
        """What a diverged trial scores: a value that any real one beats."""
        return worst_score(self.direction)

    def rank(self, score: float) -> float:
        """A key that sorts the best score first."""
        return -self.sign * score

    def best(self, scores: Iterable[float]) -> float:
        """The best of some scores."""
        return min(scores, key=self.rank)

    def best_epoch(self, history: Sequence[Logs]) -> Logs:
        """Metrics of the epoch with the best score, of equal ones the first; {} where none has one.

        A score that is not a number counts as none.
        """
        scored = [logs for logs in history if not math.isnan(logs.get(self.name, math.nan))]
        return min(scored, key=lambda logs: self.rank(logs[self.name]), default={})

    def from_predictions(self, probabilities: FloatArray, targets: IntArray) -> float:
        """The score of predictions.

        Args:
            probabilities: float [n, classes], rows sum to 1.
            targets: int [n], class numbers.
        """
        return self.sign * float(self.shares(probabilities, targets).mean())


def worst_score(direction: str) -> float:
    """A score that any real one beats, for "max" or "min"."""
    return -1.0 if direction == "max" else 1e9


def _hits(probabilities: FloatArray, targets: IntArray) -> NDArray[np.float64]:
    from search.evaluation.shares import hits

    return hits(probabilities, targets)


def _recall_shares(probabilities: FloatArray, targets: IntArray) -> NDArray[np.float64]:
    from search.evaluation.shares import recall_shares

    return recall_shares(probabilities, targets)


def _f1_shares(probabilities: FloatArray, targets: IntArray) -> NDArray[np.float64]:
    from search.evaluation.shares import f1_shares

    return f1_shares(probabilities, targets)


def _area_shares(probabilities: FloatArray, targets: IntArray) -> NDArray[np.float64]:
    from search.evaluation.shares import area_shares

    return area_shares(probabilities, targets)


def _log_likelihoods(probabilities: FloatArray, targets: IntArray) -> NDArray[np.float64]:
    from search.evaluation.shares import log_likelihoods

    return log_likelihoods(probabilities, targets)


_ROWS = (
    Objective(ACCURACY, "max", "validation accuracy", _hits, counts_images=True),
    Objective(BALANCED, "max", "validation balanced accuracy", _recall_shares, counts_classes=True),
    Objective("val_macro_f1", "max", "validation macro F1", _f1_shares, counts_classes=True),
    Objective("val_auc", "max", "validation AUC", _area_shares),
    Objective("val_loss", "min", "validation loss", _log_likelihoods),
)
OBJECTIVES: dict[str, Objective] = {objective.name: objective for objective in _ROWS}


def suited_to(counts: Sequence[int]) -> str:
    """The objective that suits classes with so many images each.

    Accuracy where they are about equal; else balanced accuracy, for which all classes count the
    same: accuracy says little where always naming the largest class has a high one.
    """
    return BALANCED if are_unequal(counts) else ACCURACY


def are_unequal(counts: Sequence[int]) -> bool:
    """Tell whether the largest class has far more images than the smallest; none has none."""
    present = [count for count in counts if count]
    return bool(present) and max(present) > UNEQUAL * min(present)


def objective_named(name: str) -> Objective:
    """Look up an objective.

    Raises:
        TuneError: there is none of that name.
    """
    if name not in OBJECTIVES:
        raise TuneError(f"objective: received {name}, expected one of {', '.join(OBJECTIVES)}")
    return OBJECTIVES[name]
