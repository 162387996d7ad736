"""Find which configurations are shown to be as good as the best, and choose the cheapest of them.

Each was trained several times. Two kinds of chance decide which looks best: which images
happen to be in the validation split, and which random numbers a training drew. A bootstrap that
draws both again says how large a difference is still chance.

What is not shown to be worse is not thereby as good: few images can hide a loss of several per
cent. So the test is one of non-inferiority (Piaggio et al. 2012, JAMA 308(24)): is the loss
smaller than a margin? It is made on the objective and on log loss. Accuracy alone does not tell
much where one class is large: a model that always names that class has a high one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.evaluation.objective import AS_GOOD_WITHIN

DRAWS = 10_000
SAME_PRICE = 1.1  # costs within this ratio are equal: timings differ by as much from run to run
_MANY = 2_000  # different columns above which a tenth of the draws must do
_TAIL = 0.025  # probability beyond each end of a 95 % interval
_WIDTH = 3.92  # of that interval, in standard errors

Trainings = Sequence[NDArray[np.float64]]


@dataclass(frozen=True)
class Comparison:
    """Where one configuration stands.

    Attributes:
        mean: of the objective over its trainings.
        behind: by how much the leader is better, and the interval of that which holds 95 % of
            the draws; 0 for the leader. Positive is worse, whatever the objective.
        as_good: whether it is the leader, or shown to be behind it by no more than a margin.
        out: whether it is worse in 999 of 1,000 draws, and more trainings need not be spent.
    """

    mean: float
    behind: float
    interval: tuple[float, float]
    as_good: bool
    out: bool

    @property
    def standard_error(self) -> float:
        """Of `behind`, by the width of its interval."""
        low, high = self.interval
        return (high - low) / _WIDTH


def comparisons(
    trainings: Trainings,
    log_likelihoods: Trainings,
    *,
    within: float = AS_GOOD_WITHIN,
    solved: Collection[int] = (),
    class_counts: Sequence[int] = (),
    seed: int = 0,
) -> list[Comparison]:
    """Compare configurations by a paired bootstrap over images and trainings.

    Args:
        trainings: for each configuration float [seeds, n], what each image adds to the
            objective (`shares`), higher being better; n is the same for all, seeds need not be.
        log_likelihoods: of the same shape, logarithm of the probability of each true class.
        within: the margin, 0 to 1, in units of the objective and in nats of log loss. The upper
            ends of both 95 % intervals must be at most this. At 0 only the leader is as good.
            0.01 nats mean that the probability of the true class is 1 % smaller in the
            geometric mean. The margin is no share of the leader's log loss, which can be near 0.
        solved: numbers of configurations whose training draws no random numbers. The others
            need two trainings to be as good: one does not show how much trainings differ.
        class_counts: images of each class, where the objective counts all classes the same: what
            concerns a share of one counts less by the number of classes. () where it does not.
        seed: of the draws.
    """
    means = [float(scores.mean()) for scores in trainings]
    leader = int(np.argmax(means))
    behind = _behind(trainings, leader, seed)
    known = {n for n, scores in enumerate(trainings) if n in solved or len(scores) > 1}
    counts, margin = [trainings[leader].shape[1]], within
    if class_counts:
        counts, margin = [n for n in class_counts if n], within * len(class_counts)
    enough = all(enough_images(count, margin) for count in counts)
    near = known - {leader} if leader in known and enough else set()
    # Log loss is drawn again only where it decides: its shares are all different, which is slow.
    near = {number for number in near if _high(behind[number]) <= within}
    if near:
        lost = _behind(log_likelihoods, leader, seed)
        near = {number for number in near if _high(lost[number]) <= within}
    as_good = {leader, *near}
    return [
        Comparison(
            mean=mean,
            behind=means[leader] - mean,
            interval=(float(np.quantile(drawn, _TAIL)), _high(drawn)),
            as_good=number in as_good,
            out=number != leader and bool(np.quantile(drawn, 0.001) > 0),
        )
        for number, (mean, drawn) in enumerate(zip(means, behind, strict=True))
    ]


def enough_images(count: int, within: float = AS_GOOD_WITHIN) -> bool:
    """Whether so many images can show that a loss is at most `within`.

    A bootstrap does not see what none of n images shows: models that are right on all of them
    differ in no draw. What concerns a share s of all images stays unseen with a probability of
    (1 - s)^n (Hanley & Lippman-Hand 1983, JAMA 249(13)). For 0.01 it takes 368 images.
    """
    return 1 - _TAIL ** (1 / count) <= within


def _behind(trainings: Trainings, leader: int, seed: int) -> list[NDArray[np.float64]]:
    """By how much the leader is better than each in each draw, float [draws]."""
    drawn = _redraw(trainings, np.random.default_rng(seed))
    return [drawn[leader] - means for means in drawn]


def _high(drawn: NDArray[np.float64]) -> float:
    """Upper end of the interval that holds 95 % of the draws."""
    return float(np.quantile(drawn, 1 - _TAIL))


def _redraw(trainings: Trainings, random: np.random.Generator) -> list[NDArray[np.float64]]:
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
    """Of those that are as good as the leader the cheapest; of those as cheap as it, the best.

    Args:
        compared: one for each configuration.
        costs: of running each, in any unit.
    """
    good = [number for number, comparison in enumerate(compared) if comparison.as_good]
    limit = SAME_PRICE * min(costs[number] for number in good)
    affordable = [number for number in good if costs[number] <= limit]
    return min(affordable, key=lambda number: compared[number].behind)
