"""Draw a configuration where earlier ones were good: Optuna's TPE over KerasTuner's space.

The tree-structured Parzen estimator (Bergstra et al. 2011, NeurIPS 24) models which values the
better trials have and which the worse, all values of a scope together. Of trials that were not
trained to the end those with more epochs count first, as BOHB has it (Falkner et al. 2018,
arXiv 1807.01774). Nothing is kept from one draw to the next, so a resumed search draws what an
uninterrupted one does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

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
        for entry in _active(space, values):
            values[entry.name] = _suggested(trial, entry)
        return values


def _active(space: Any, values: Values) -> Iterator[Any]:
    """Go through the hyperparameters that a configuration has, given those before each."""
    import keras_tuner

    known = keras_tuner.HyperParameters()
    known.values = values
    for entry in space.space:
        known.merge([entry])
        if known.is_active(entry):
            yield entry


def _trial(space: Any, seen: Seen, full: int) -> Any:
    """Optuna's trial; a value that cannot be drawn, as a baseline may have, is left out of it."""
    import optuna
    from optuna.trial import TrialState

    params, kinds = {}, {}
    for entry in _active(space, dict(seen.values)):
        value = seen.values.get(entry.name)
        if value is not None and (place := _place(entry, value)) is not None:
            params[_key(entry)], kinds[_key(entry)] = place, _distribution(entry)
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

    if (choices := _choices(entry)) is None:
        return FloatDistribution(0.0, 1.0)
    if getattr(entry, "ordered", False):
        return IntDistribution(0, len(choices) - 1)
    return CategoricalDistribution(range(len(choices)))


def _suggested(trial: Any, entry: Any) -> Any:
    key, choices = _key(entry), _choices(entry)
    if choices is None:
        return entry.prob_to_value(trial.suggest_float(key, 0.0, 1.0))
    if getattr(entry, "ordered", False):
        return choices[trial.suggest_int(key, 0, len(choices) - 1)]
    return choices[trial.suggest_categorical(key, range(len(choices)))]


def _place(entry: Any, value: Any) -> float | int | None:
    """What Optuna has for a value: of one outside of its range the end; None for no choice."""
    choices = _choices(entry)
    if choices is not None:
        return choices.index(value) if value in choices else None
    return min(max(float(entry.value_to_prob(value)), 0.0), 1.0)


def _choices(entry: Any) -> list[Any] | None:
    """The values of a list; None for a range."""
    if hasattr(entry, "min_value"):
        return None
    return list(entry.values) if hasattr(entry, "values") else [entry.value]
