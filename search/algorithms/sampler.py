"""Draw a configuration where earlier ones were good: Optuna's TPE over KerasTuner's space.

The tree-structured Parzen estimator (Bergstra et al. 2011, NeurIPS 24) models which values the
better trials have and which the worse, all values of a scope together. Of trials that were not
trained to the end those with more epochs count first, as BOHB has it (Falkner et al. 2018,
arXiv 1807.01774). What is kept from one draw to the next only saves time, so a resumed search draws
what an uninterrupted one does.
"""

from collections.abc import Hashable, Sequence
from typing import Any

from search.algorithms.seen_trials import Seen, as_trial, key_of
from search.algorithms.unit_space import active, choices, is_ordered, value_at
from search.process.quiet import quiet_optuna
from search.run_folder.records import Values

STARTUP = 10  # trials with a score, before which values are drawn at random


class Sampler:
    """Draws from a space, which may be narrowed in between.

    To make Optuna's trials of thousands that were seen takes seconds: each is made once.
    """

    def __init__(self) -> None:
        self._made: dict[Hashable, Any] = {}

    def draw(self, space: Any, seen: Sequence[Seen], *, full: int, seed: int) -> Values:
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
            study.add_trials(self._trials(space, seen, full))
            trial = study.ask()
            values: Values = {}
            for entry in active(space, values):
                values[entry.name] = _suggested(trial, entry)
            return values

    def _trials(self, space: Any, seen: Sequence[Seen], full: int) -> list[Any]:
        entries = tuple((key_of(entry), str(choices(entry))) for entry in space.space)
        before, self._made = self._made, {}
        trials = []
        for each in seen:
            key = (entries, *sorted(each.values.items()), each.score, each.epochs, full)
            self._made[key] = before.get(key) or as_trial(space, each, full)
            trials.append(self._made[key])
        return trials


def _suggested(trial: Any, entry: Any) -> Any:
    key, listed = key_of(entry), choices(entry)
    if listed is None:
        return value_at(entry, trial.suggest_float(key, 0.0, 1.0))
    if is_ordered(entry):
        return value_at(entry, trial.suggest_int(key, 0, len(listed) - 1))
    return value_at(entry, trial.suggest_categorical(key, range(len(listed))))
