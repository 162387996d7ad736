"""What was seen of a search, as Optuna's trials: each hyperparameter on a scale of its own."""

from dataclasses import dataclass
from typing import Any

from search.algorithms.unit_space import active, choices, is_ordered, place
from search.run_folder.records import Values


@dataclass(frozen=True)
class Seen:
    """A trial that has ended.

    Attributes:
        values: of its configuration.
        score: more being better; None where it failed.
        epochs: to which it was trained.
    """

    values: Values
    score: float | None
    epochs: int


def as_trial(space: Any, seen: Seen, full: int) -> Any:
    """Optuna's trial; a value that cannot be drawn, as a baseline may have, is left out of it.

    Args:
        space: `keras_tuner.HyperParameters`, as declared.
        seen: a trial that has ended.
        full: epochs of one that was trained to the end.
    """
    import optuna
    from optuna.trial import TrialState

    params, kinds = {}, {}
    for entry in active(space, dict(seen.values)):
        value = seen.values.get(entry.name)
        if value is not None and (at := place(entry, value)) is not None:
            params[key_of(entry)], kinds[key_of(entry)] = at, distribution_of(entry)
    if seen.score is not None and seen.epochs >= full:
        return optuna.trial.create_trial(params=params, distributions=kinds, value=seen.score)
    # Without a value it is worse than all that have one.
    return optuna.trial.create_trial(
        state=TrialState.PRUNED,
        params=params,
        distributions=kinds,
        intermediate_values={} if seen.score is None else {seen.epochs: seen.score},
    )


def key_of(entry: Any) -> str:
    """Name a hyperparameter and its scope: one name may have other values in another scope."""
    scopes = (f"{each.name}={each.values}" for each in entry.conditions)
    return " ".join([entry.name, *scopes])


def distribution_of(entry: Any) -> Any:
    """Optuna's: a range on its own scale from 0 to 1, or the numbers of choices."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if (listed := choices(entry)) is None:
        return FloatDistribution(0.0, 1.0)
    if is_ordered(entry):
        return IntDistribution(0, len(listed) - 1)
    return CategoricalDistribution(range(len(listed)))
