"""Draw a configuration where earlier ones were good: Optuna's TPE over KerasTuner's space.

The tree-structured Parzen estimator (Bergstra et al. 2011, NeurIPS 24) models which values the
better trials have and which the worse, all values of a scope together. Of trials that were not
trained to the end those with more epochs count first, as BOHB has it (Falkner et al. 2018,
arXiv 1807.01774). Nothing is kept from one draw to the next, so a resumed search draws what an
uninterrupted one does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from search.algorithms.unit_space import active, choices, is_ordered, place, value_at
from search.process.quiet import quiet_optuna
from search.run_folder.records import Values

STARTUP = 10  # trials with a score, before which values are drawn at random


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


def draw(space: Any, seen: Sequence[Seen], *, full: int, seed: int) -> Values:
    """Draw the values of one configuration.

    Args:
        space: `keras_tuner.HyperParameters`, as declared.
        seen: trials so far.
        full: epochs of a trial that was trained to the end.
        seed: of the draw, 0 or more.
    """
    import optuna

    with quiet_optuna():
        sampler = optuna.samplers.TPESampler(
            n_startup_trials=STARTUP, multivariate=True, group=True, seed=seed
        )
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.add_trials([_trial(space, each, full) for each in seen])
        trial = study.ask()
        values: Values = {}
        for entry in active(space, values):
            values[entry.name] = _suggested(trial, entry)
        return values


def _trial(space: Any, seen: Seen, full: int) -> Any:
    """Optuna's trial; a value that cannot be drawn, as a baseline may have, is left out of it."""
    import optuna
    from optuna.trial import TrialState

    params, kinds = {}, {}
    for entry in active(space, dict(seen.values)):
        value = seen.values.get(entry.name)
        if value is not None and (at := place(entry, value)) is not None:
            params[_key(entry)], kinds[_key(entry)] = at, _distribution(entry)
    if seen.score is not None and seen.epochs >= full:
        return optuna.trial.create_trial(params=params, distributions=kinds, value=seen.score)
    # Without a value it is worse than all that have one.
    return optuna.trial.create_trial(
        state=TrialState.PRUNED,
        params=params,
        distributions=kinds,
        intermediate_values={} if seen.score is None else {seen.epochs: seen.score},
    )


def _key(entry: Any) -> str:
    """Name a hyperparameter and its scope: one name may have other values in another scope."""
    scopes = (f"{each.name}={each.values}" for each in entry.conditions)
    return " ".join([entry.name, *scopes])


def _distribution(entry: Any) -> Any:
    """Optuna's: a range on its own scale from 0 to 1, or the numbers of choices."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if (listed := choices(entry)) is None:
        return FloatDistribution(0.0, 1.0)
    if is_ordered(entry):
        return IntDistribution(0, len(listed) - 1)
    return CategoricalDistribution(range(len(listed)))


def _suggested(trial: Any, entry: Any) -> Any:
    key, listed = _key(entry), choices(entry)
    if listed is None:
        return value_at(entry, trial.suggest_float(key, 0.0, 1.0))
    if is_ordered(entry):
        return value_at(entry, trial.suggest_int(key, 0, len(listed) - 1))
    return value_at(entry, trial.suggest_categorical(key, range(len(listed))))
