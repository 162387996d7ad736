"""Find which configurations differ by no more than noise, and choose the cheapest of them.

Each was trained several times. Two kinds of chance decide which looks best: which images
happen to be in the validation split, and which random numbers a training drew. A bootstrap that
draws both again says how large a difference is still chance.

What cannot be told apart is not thereby equal: few images could hide a loss of several per
cent. So a tie asks for more than an interval that holds 0: one standard error at most, the rule
by which trees are pruned (Breiman et al. 1984).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 10_000
SAME_PRICE = 1.1  # costs within this ratio are equal: timings differ by as much from run to run
_MANY = 2_000  # different columns above which a tenth of the draws must do


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
    compared = []
    for number, mean in enumerate(means):
        behind = drawn[leader] - drawn[number]
        low, high = np.quantile(behind, [0.025, 0.975])
        gap = means[leader] - mean
        compared.append(
            Comparison(
                mean=mean,
                behind=gap,
                interval=(float(low), float(high)),
                tied=number == leader or gap <= float(behind.std()),
                out=number != leader and bool(np.quantile(behind, 0.001) > 0),
            )
        )
    return compared


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
    redrawn, start = [], 0
    for scores in trainings:
        seeds = len(scores)
        own = means[:, start : start + seeds]
        picks = random.integers(0, seeds, (draws, seeds))
        centre = own.mean(axis=1)
        apart = np.take_along_axis(own, picks, axis=1).mean(axis=1) - centre
        # Drawing from so few understates how they vary by (seeds - 1) / seeds.
        redrawn.append(centre + apart * np.sqrt(seeds / max(seeds - 1, 1)))
        start += seeds
    return redrawn


def cheapest(compared: Sequence[Comparison], costs: Sequence[float]) -> int:
    """Of those that are tied the cheapest; of those as cheap as it, the best.

    Args:
        compared: one for each configuration.
        costs: of running each, in any unit.
    """
    tied = [number for number, comparison in enumerate(compared) if comparison.tied]
    limit = SAME_PRICE * min(costs[number] for number in tied)
    affordable = [number for number in tied if costs[number] <= limit]
    return min(affordable, key=lambda number: compared[number].behind)
