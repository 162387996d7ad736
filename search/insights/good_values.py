"""Find in which values a hyperparameter was good."""

from collections.abc import Mapping, Sequence
from statistics import median

from search.insights.findings import GoodValues
from search.insights.importance import TOP
from search.insights.space import Hyperparameter, Value


def good_values(
    hyperparameter: Hyperparameter,
    values: Sequence[Mapping[str, Value]],
    ranks: Sequence[float],
) -> GoodValues:
    """Say where a hyperparameter was good: a range of a number, one value of a choice.

    Of choices it is the one whose configurations have the best median rank.
    """
    name = hyperparameter.name
    placed = [
        (rank, each[name])
        for rank, each in zip(ranks, values, strict=True)
        if name in each and hyperparameter.place(each[name]) is not None
    ]
    if not hyperparameter.ordered:
        ranks_of = {value: [r for r, v in placed if v == value] for _, value in placed}
        return GoodValues(value=max(ranks_of, key=lambda value: median(ranks_of[value])))
    placed.sort(key=lambda pair: -pair[0])
    # One at least: a third of one configuration rounds to none.
    best = sorted(float(value) for _, value in placed[: max(1, round(TOP * len(placed)))])
    quarter = len(best) // 4
    return GoodValues(low=best[quarter], high=best[len(best) - 1 - quarter])
