"""What a confusion matrix says of each class, and whether the model is of any use.

Imports without NumPy: `tune show` prints some of it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from search.evaluation.intervals import wilson_interval

Matrix = Sequence[Sequence[int]]
"""Counts [true class][predicted class]."""

_SHOWN = 5  # names in a sentence
_CHANCE = 0.025  # of a lead that may be chance, one-sided


@dataclass(frozen=True)
class ClassFigures:
    """One class. Intervals hold 95 %.

    Attributes:
        name: of the class.
        images: how many show it.
        recall, recall_interval: the share of these that it is the answer to; None without any.
        answered: how many images it was the answer to.
        precision, precision_interval: the share of these that show it; None without any.
    """

    name: str
    images: int
    recall: float | None
    recall_interval: tuple[float, float]
    answered: int
    precision: float | None
    precision_interval: tuple[float, float]


def class_figures(matrix: Matrix, class_names: Sequence[str]) -> list[ClassFigures]:
    """Recall and precision of each class, in the order of class numbers."""
    answered = [sum(column) for column in zip(*matrix, strict=True)]
    found = []
    for number, (name, row) in enumerate(zip(class_names, matrix, strict=True)):
        images, right = sum(row), row[number]
        found.append(
            ClassFigures(
                name=name,
                images=images,
                recall=right / images if images else None,
                recall_interval=wilson_interval(right, images),
                answered=answered[number],
                precision=right / answered[number] if answered[number] else None,
                precision_interval=wilson_interval(right, answered[number]),
            )
        )
    return found


def balanced_accuracy(matrix: Matrix) -> float:
    """The mean of the recalls of all classes that have images; 0 without any."""
    recalls = [row[number] / sum(row) for number, row in enumerate(matrix) if sum(row)]
    return sum(recalls) / len(recalls) if recalls else 0.0


def doubts(matrix: Matrix, class_names: Sequence[str]) -> list[str]:
    """Say in sentences where a model is of no use; none where it is of some.

    A model is no better than always giving the largest class unless it is right more often on
    those images on which the two differ, by a sign test (McNemar 1947, Psychometrika 12).
    """
    figures = class_figures(matrix, class_names)
    never = [each.name for each in figures if each.images and not each.answered]
    said = []
    largest = max(figures, key=lambda each: each.images, default=None)
    if largest and not _beats_largest(matrix, [each.name for each in figures].index(largest.name)):
        right = sum(row[number] for number, row in enumerate(matrix))
        total = sum(each.images for each in figures)
        said.append(
            f"its accuracy ({right / total:.4f}) is not shown to be better than always saying "
            f"{largest.name} ({largest.images / total:.4f}){_balanced(matrix)}"
        )
    if never:
        more = f" and {len(never) - _SHOWN} more" if len(never) > _SHOWN else ""
        said.append(f"it never answers {', '.join(never[:_SHOWN])}{more}")
    return said


def _balanced(matrix: Matrix) -> str:
    """Say the balanced accuracy where it is above that of one answer for all."""
    classes = sum(bool(sum(row)) for row in matrix)
    balanced = balanced_accuracy(matrix)
    if classes < 2 or balanced <= 1.05 / classes:
        return ""
    return (
        f"; its balanced accuracy is {balanced:.4f}, where one answer for all has {1 / classes:.4f}"
    )


def _beats_largest(matrix: Matrix, largest: int) -> bool:
    """Whether a model is right more often than always answering the largest class, beyond chance.

    Where there is one class only there is nothing to be better than.
    """
    gained = sum(row[number] for number, row in enumerate(matrix) if number != largest)
    lost = sum(matrix[largest]) - matrix[largest][largest]
    others = sum(sum(row) for number, row in enumerate(matrix) if number != largest)
    return not others or _tail(gained, gained + lost) < _CHANCE


def _tail(wins: int, games: int) -> float:
    """Probability of at least so many wins in games that either side wins as often."""
    if games == 0:
        return 1.0
    if games > 1000:  # by the normal distribution, with its correction for whole numbers
        distance = (wins - 0.5 - games / 2) / math.sqrt(games / 4)
        return 0.5 * math.erfc(distance / math.sqrt(2))
    return sum(math.comb(games, number) for number in range(wins, games + 1)) / 2**games
