"""Find where the best configurations lie at the end of a range: there may be better beyond it."""

import math
from collections.abc import Mapping, Sequence

from search.algorithms.ranges import limits
from search.insights.findings import Edge
from search.insights.ranks import Member
from search.insights.space import Hyperparameter, Value

OUTER = 0.1  # share of a continuous range that is its end
FEWEST = 3  # of the best, drawn and not given, that must lie there
LIKE_EACH_OTHER = 1e-9


def edges(
    space: Mapping[str, Hyperparameter], family: str, ranked: Sequence[Member], *, level: float
) -> list[Edge]:
    """Find the ends at which the best of a family lie, the surest first.

    Args:
        space: the family's hyperparameters and those that all share.
        family: its name.
        ranked: all its configurations, best score first; diverged ones do not count.
        level: chance that anything is said of a family whose values make no difference.
    """
    ranked = [member for member in ranked if not member.diverged]
    numeric = [each for each in space.values() if each.ordered and not each.single]
    ends = [(each, upper) for each in numeric for upper in (False, True)]
    candidates = [_edge(each, family, ranked, upper=upper) for each, upper in ends]
    # Of thirty ends some are shared by chance: what may be by chance is dealt out among them.
    sure = [edge for edge in candidates if edge and edge.chance * len(ends) <= level]
    return sorted(sure, key=lambda edge: edge.chance)


def _edge(
    hyperparameter: Hyperparameter, family: str, ranked: Sequence[Member], *, upper: bool
) -> Edge | None:
    """Find the best, without a gap, that lie at one end, if chance would hardly do that.

    Known-good configurations were given their values, several the same: one of them elsewhere
    ends the run, but only those that were drawn are evidence.
    """
    name = hyperparameter.name
    with_value = [member for member in ranked if name in member.values]
    inside = [_at_end(hyperparameter, member.values[name], upper=upper) for member in with_value]
    run = inside.index(False) if False in inside else len(inside)
    drawn = [member.at_random for member in with_value]
    evidence = sum(drawn[:run])
    if evidence < FEWEST:
        return None
    drawn_at_end = sum(
        at_end and was_drawn for at_end, was_drawn in zip(inside, drawn, strict=True)
    )
    chance = math.comb(drawn_at_end, evidence) / math.comb(sum(drawn), evidence)
    values = sorted(float(member.values[name]) for member in with_value[:run])
    nearest, furthest = (values[-1], values[0]) if upper else (values[0], values[-1])
    end = hyperparameter.high if upper else hyperparameter.low
    if hyperparameter.values:  # whose last one need not be the end of the range
        end = _neat(float(hyperparameter.values[-1 if upper else 0]))
    widen = widened(hyperparameter, upper=upper)
    partial = len(with_value) < len(ranked)
    return Edge(name, family, upper, run, chance, end, nearest, furthest, partial, widen)


def _at_end(hyperparameter: Hyperparameter, value: Value, *, upper: bool) -> bool:
    """Say whether a value lies in the outer tenth of a range, or is the last of a list."""
    place = hyperparameter.place(value)
    if place is None:
        return False
    last = len(hyperparameter.values) - 1 if hyperparameter.values else 1.0
    outer = 0.0 if hyperparameter.values else OUTER
    reach = outer + LIKE_EACH_OTHER
    return place >= last - reach if upper else place <= reach


def widened(hyperparameter: Hyperparameter, *, upper: bool) -> tuple[float, float] | None:
    """Choose the range to search next: ten times as far on a logarithm, else half as wide again.

    The other end stays to the last digit. None where nothing has a meaning beyond that end, or
    where there is a list and no range.
    """
    low, high = hyperparameter.low, hyperparameter.high
    lowest, highest = limits(hyperparameter.name, (low, high))
    if hyperparameter.whole and hyperparameter.log:
        lowest = max(lowest, 1.0)  # 0 has no logarithm
    beyond = low < lowest or high > highest  # a name that means something else there
    if not hyperparameter.ranged or beyond or (high >= highest if upper else low <= lowest):
        return None
    if hyperparameter.log:
        below, above = low / 10, high * 10
    else:
        more = (high - low) / 2
        if hyperparameter.values:  # whole steps
            step = float(hyperparameter.values[1]) - float(hyperparameter.values[0])
            more = math.ceil(more / step - LIKE_EACH_OTHER) * step
        below, above = low - more, high + more
    if hyperparameter.whole:
        below, above = math.floor(below), math.ceil(above)
    if upper:
        return low, min(_neat(above), highest)
    return max(_neat(below), lowest), high


def _neat(number: float) -> float:
    """Drop what rounding has left in the last digits: 0.8, not 0.7999999999999999."""
    return float(f"{number:.12g}")
