"""Which of a few configurations are the same within noise, and which of those to take.

Each was trained several times. Two kinds of chance decide which looks best: which images
happen to be in the validation split, and which random numbers a training drew. A bootstrap that
draws both again says how large a difference is still chance.

What cannot be told apart is not thereby equal: few images could hide a loss of several per
cent. So a tie asks for more than an interval that holds 0: one standard error at most, the rule
by which trees are pruned (Breiman et al. 1984).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.evaluation.metrics import FloatArray, IntArray

DRAWS = 10_000
SAME_PRICE = 1.1  # costs within this ratio are equal: timings differ by as much from run to run
_MANY = 2_000  # different columns above which a tenth of the draws must do
_TINY = 1e-7


@dataclass(frozen=True)
class Comparison:
    """Where one configuration stands.

    Attributes:
        mean: of the objective over its trainings.
        behind: by how much the leader is better, and the interval of that which holds 95 % of
            the draws; 0 for the leader. Positive is worse, whatever the objective.
        tied: whether it is the leader, or behind by no more than one standard error of that.
        out: whether it is worse in 999 of 1,000 draws, and more trainings need not be spent.
    """

    mean: float
    behind: float
    interval: tuple[float, float]
    tied: bool
    out: bool


def comparisons(trainings: Sequence[NDArray[np.float64]], *, seed: int = 0) -> list[Comparison]:
    """Compare configurations by a paired bootstrap over images and trainings.

    Args:
        trainings: for each configuration float [seeds, n], what each image adds to the
            objective (`shares`), higher being better; n is the same for all, seeds need not be.
        seed: of the draws.
    """
    means = [float(scores.mean()) for scores in trainings]
    leader = int(np.argmax(means))
    drawn = _redraw(trainings, np.random.default_rng(seed))
    found = []
    for number, mean in enumerate(means):
        behind = drawn[leader] - drawn[number]
        low, high = np.quantile(behind, [0.025, 0.975])
        gap = means[leader] - mean
        found.append(
            Comparison(
                mean=mean,
                behind=gap,
                interval=(float(low), float(high)),
                tied=number == leader or gap <= float(behind.std()),
                out=number != leader and bool(np.quantile(behind, 0.001) > 0),
            )
        )
    return found


def _redraw(
    trainings: Sequence[NDArray[np.float64]], random: np.random.Generator
) -> list[NDArray[np.float64]]:
    """Means of each configuration, float [draws], over the same images in each draw.

    Images on which all trainings agree are drawn together: of 10,000 images a few dozen
    kinds remain.
    """
    together = np.concatenate(trainings)
    kinds, counts = np.unique(together, axis=1, return_counts=True)
    draws = DRAWS if len(counts) <= _MANY else DRAWS // 10
    total = counts.sum()
    drawn = [random.multinomial(total, counts / total) @ kinds.T / total for _ in range(draws)]
    means = np.array(drawn)  # [draws, all trainings]
    found, start = [], 0
    for scores in trainings:
        seeds = len(scores)
        own = means[:, start : start + seeds]
        picks = random.integers(0, seeds, (draws, seeds))
        centre = own.mean(axis=1)
        apart = np.take_along_axis(own, picks, axis=1).mean(axis=1) - centre
        # Drawing from so few understates how they vary by (seeds - 1) / seeds.
        found.append(centre + apart * np.sqrt(seeds / max(seeds - 1, 1)))
        start += seeds
    return found


def cheapest(found: Sequence[Comparison], costs: Sequence[float]) -> int:
    """Of those that are tied the cheapest; of those as cheap as it, the best.

    Args:
        found: one for each configuration.
        costs: of running each, in any unit.
    """
    tied = [number for number, standing in enumerate(found) if standing.tied]
    limit = SAME_PRICE * min(costs[number] for number in tied)
    affordable = [number for number in tied if costs[number] <= limit]
    return min(affordable, key=lambda number: found[number].behind)


def shares(probabilities: FloatArray, targets: IntArray, objective: str) -> NDArray[np.float64]:
    """What each image adds to an objective, float [n], of which the mean is the objective.

    Args:
        probabilities: [n, classes].
        targets: int [n].
        objective: "val_accuracy", "val_loss" (its negative is returned) or "val_auc".
    """
    if objective == "val_accuracy":
        return (probabilities.argmax(axis=1) == targets).astype(np.float64)
    if objective == "val_loss":
        chosen = probabilities[np.arange(len(targets)), targets].astype(np.float64)
        return np.log(np.clip(chosen, _TINY, 1 - _TINY))
    classes = probabilities.shape[1]
    columns = [1] if classes == 2 else range(classes)
    areas = [_area_shares(probabilities[:, k], targets == k) for k in columns]
    known = [area for area in areas if area is not None]
    return np.mean(known, axis=0) if known else np.full(len(targets), 0.5)


def _area_shares(scores: FloatArray, positive: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    """Shares of the area under the ROC curve: with how many of the other class each is in order.

    These are the structural components of DeLong et al. 1988, scaled so that their mean is the
    area; None where there is no positive or no negative.
    """
    count, positives = len(scores), int(positive.sum())
    if positives in (0, count):
        return None
    below = np.sort(scores[~positive])
    above = np.sort(scores[positive])
    found = np.empty(count)
    found[positive] = _between(below, scores[positive]) / len(below)
    found[~positive] = 1 - _between(above, scores[~positive]) / len(above)
    area = found[positive].mean()
    weights = np.where(positive, count / positives, count / (count - positives))
    return area + (found - area) * weights


def _between(ordered: NDArray[Any], scores: NDArray[Any]) -> NDArray[np.float64]:
    """How many of `ordered` lie below each score, equal ones counted half."""
    left = np.searchsorted(ordered, scores, side="left")
    right = np.searchsorted(ordered, scores, side="right")
    return (left + right) / 2
