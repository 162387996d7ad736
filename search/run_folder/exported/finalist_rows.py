"""How the configurations that were trained again compare, as `finalists.json` holds it."""

from dataclasses import dataclass

from search.run_folder.schema import omitted

TOP, SEEDS = 3, 3
"""How many of the best are trained again before one is chosen, and how often, unless asked for."""


@dataclass(frozen=True, kw_only=True)
class FinalistRow:
    """A configuration that was compared before one was chosen.

    Attributes:
        configuration: its id.
        summary: its values in short.
        known_good: whether the search began with it.
        score_in_search: best value of the objective in the search.
        trainings: how often it was trained again.
        mean, behind, interval, as_good, out: see `search.evaluation.bootstrap.Comparison`. An
            older version, which had another rule, wrote no `as_good`.
        latency, size: what it costs, the worst of the files asked for; None if not measured.
        chosen: whether it was exported.
    """

    configuration: str
    summary: str
    known_good: bool
    score_in_search: float
    trainings: int
    mean: float
    behind: float
    interval: tuple[float, float]
    as_good: bool = False
    out: bool
    latency: float | None
    size: int | None
    chosen: bool


@dataclass(frozen=True)
class Ensemble:
    """What the mean of the best few's probabilities would reach on validation.

    Attributes:
        members: ids of the configurations.
        value, of_best: of the objective, and its best member's.
        latency: of all members together; None where one of them has no cost.
    """

    members: tuple[str, ...]
    value: float
    of_best: float
    latency: float | None = omitted()
