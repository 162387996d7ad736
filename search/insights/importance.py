"""Measure how much each hyperparameter has to do with being among the best: PED-ANOVA, by Optuna.

Watanabe, Bansal and Hutter 2023 (arXiv 2304.10255): how far the density of a value among the best
differs from its density among all. Optuna's weighs hyperparameters that not all configurations
have by how many of the best have them (arXiv 2601.20800). It says how much, not how surely: for
that see `search.insights.permutation_test`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from search.insights.space import Hyperparameter, Value
from search.process.quiet import quiet_optuna

TOP = 1 / 3
"""Share that counts as the best (the paper's gamma').

With fewer there are too few: of 100 made-up searches of 49 configurations the two true
hyperparameters came first and second in 39 with a tenth, 69 with a quarter, 77 with a third and 82
with the better half; of 16 configurations in 11, 19, 23 and 27 (`benchmarks/insights.py`). Half
does no better beyond noise, and is no longer about the best.
"""


def importances(
    space: Mapping[str, Hyperparameter],
    values: Sequence[Mapping[str, Value]],
    ranks: Sequence[float],
) -> dict[str, float]:
    """Give the share of each hyperparameter, 0 to 1, in the sum of all `divergences`."""
    distances = divergences(space, values, ranks)
    total = sum(distances.values()) or 1.0  # all 0 where the best differ in nothing
    return {name: value / total for name, value in distances.items()}


def divergences(
    space: Mapping[str, Hyperparameter],
    values: Sequence[Mapping[str, Value]],
    ranks: Sequence[float],
) -> dict[str, float]:
    """Measure how far the best differ from all, 0 or more, in each hyperparameter that any has.

    Args:
        space: hyperparameters with more than one value.
        values: of each configuration; inactive hyperparameters are missing.
        ranks: of each configuration, 0 to 1.
    """
    import optuna
    from optuna.importance import PedAnovaImportanceEvaluator

    kinds = {name: _distribution(hyperparameter) for name, hyperparameter in space.items()}
    with quiet_optuna():
        study = optuna.create_study(direction="maximize")
        for each, rank in zip(values, ranks, strict=True):
            params = _params(space, each)
            study.add_trial(
                optuna.trial.create_trial(
                    params=params,
                    distributions={name: kinds[name] for name in params},
                    value=rank,
                )
            )
        return PedAnovaImportanceEvaluator(target_quantile=TOP).evaluate(study)


def _distribution(hyperparameter: Hyperparameter) -> Any:
    """Make Optuna's distribution of what `Hyperparameter.place` gives."""
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if not hyperparameter.values:
        return FloatDistribution(0.0, 1.0)  # a place has been put on the range's scale already
    last = len(hyperparameter.values) - 1
    if hyperparameter.ordered:
        return IntDistribution(0, last)
    return CategoricalDistribution(range(last + 1))


def _params(
    space: Mapping[str, Hyperparameter], values: Mapping[str, Value]
) -> dict[str, float | int]:
    """Convert a configuration's values to what Optuna has for them."""
    params: dict[str, float | int] = {}
    for name, hyperparameter in space.items():
        place = hyperparameter.place(values[name]) if name in values else None
        if place is not None:
            # Rounding may put a value a little outside of 0 to 1, which Optuna refuses.
            params[name] = int(place) if hyperparameter.values else min(max(place, 0.0), 1.0)
    return params
