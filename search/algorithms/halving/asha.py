"""ASHA: asynchronous successive halving (Li et al. 2020, MLSys, arXiv 1810.05934).

Hyperband waits at the end of a rung until it is known who goes on. Here whoever is among the best
`1 / factor` of a rung so far goes on at once, and where nobody is, a new configuration begins: no
slot waits, however many there are. The paper's eta is `factor`, R is `max_epochs`, and the rungs
are those of Hyperband's bracket that halves most. The baselines come first and have the full
budget at once, in a bracket of their own, as in `search.algorithms.halving.hyperband`.

Who is in which rung follows from the trials alone, so nothing is saved besides them.
"""

from typing import Any

from keras_tuner.oracles import RandomSearchOracle

from search.algorithms.halving.rungs import Rungs
from search.algorithms.learning import LearningOracle
from search.algorithms.plan import halving_epochs
from search.algorithms.racing.probed import is_raced
from search.run_folder.records import Values

FULL, HALVED = 0, 1  # brackets
KEPT = 10  # training states of a rung that are kept for those that may go on, at most


class AshaOracle(LearningOracle, RandomSearchOracle):
    """Whoever is among the best of a rung goes on at once.

    Args:
        max_epochs: the full budget, R.
        factor: one in so many goes on from rung to rung, eta.
        max_trials: not used: KerasTuner would count each rung of a configuration. `most` is.
        options: those of `search.algorithms.base.DurableOracle`.
    """

    random_share = 1 / 3  # as Hyperband's
    with_prior = True

    def __init__(
        self, *, max_epochs: int, factor: int, max_trials: int | None = None, **options: Any
    ) -> None:
        self.rungs, self.factor = halving_epochs(max_epochs, factor), factor
        self._known = Rungs(len(self.rungs))
        super().__init__(max_trials=None, **options)

    def propose(self, trial_id: str) -> dict[str, Any]:
        """Values of the next trial, or IDLE (wait for others) or STOPPED (all is done)."""
        if (values := self._promoted() or self._begun_new()) is not None:
            return {"status": "RUNNING", "values": values}
        return {"status": "IDLE" if self.ongoing_trials else "STOPPED"}

    def configurations_begun(self) -> int:
        """How many were begun after the race; to go on with one is no new one."""
        return super().configurations_begun() - self._standing().promotions

    def reload(self) -> None:
        """Read the project folder back."""
        self._known = Rungs(len(self.rungs))
        super().reload()

    def needed_checkpoints(self) -> set[str]:
        """Running trials, those they continue, and those that may yet go on.

        As long as there are new configurations, anyone may. Kept are twice as many of a rung as go
        on from it, at most; who is among the best later all the same is trained from its beginning.
        """
        needed = super().needed_checkpoints()
        needed |= {self._parent(trial_id) for trial_id in needed if self._goes_on(trial_id)}
        if self._is_over():
            return needed
        most = KEPT + len(self.ongoing_trials)
        standing = self._standing()
        for rung in range(len(self.rungs) - 1):
            ranked, gone_on = standing.ranked(rung), standing.gone_on(rung)
            likely = ranked[: 2 * len(ranked) // self.factor + 1]
            needed |= set([each for each in likely if each not in gone_on][:most])
        return needed

    def _is_over(self) -> bool:
        """Whether nothing runs or is to come."""
        if self.ongoing_trials or self._retry_queue or self._promoted() is not None:
            return False
        all_begun = self.most is not None and self.configurations_begun() >= self.most
        return all_begun or self.exhausted()

    def _begun_new(self) -> Values | None:
        """Values of a new configuration; None where there are none."""
        values = self._random_values()
        if values is None:
            return None
        if values["tuner/origin"] == self.given:
            return values | _place(FULL, 0, 0, self.rungs[-1])
        return values | _place(HALVED, 0, 0, self.rungs[0])

    def _promoted(self) -> Values | None:
        """Values of a configuration that goes on, from the highest rung that has one; or None."""
        standing = self._standing()
        for rung in reversed(range(self._open_rungs() - 1)):
            ranked, gone_on = standing.ranked(rung), standing.gone_on(rung)
            for best in ranked[: len(ranked) // self.factor]:
                if best not in gone_on:
                    values = dict(self.trials[best].hyperparameters.values)
                    epochs = self.rungs[rung], self.rungs[rung + 1]
                    return values | _place(HALVED, rung + 1, *epochs) | {"tuner/trial_id": best}
        return None

    def _open_rungs(self) -> int:
        """How many rungs configurations may go on to by now."""
        return len(self.rungs)

    def _standing(self) -> Rungs:
        """Who is in which rung by now."""
        known = self._known
        for trial_id in self.start_order[known.begun :]:
            parent = self._parent(trial_id) if self._goes_on(trial_id) else None
            known.begin(trial_id, self._rung(trial_id), parent)
        for trial_id in self.end_order[known.ended :]:
            score = self._score(trial_id) if self.useful(trial_id) else None
            known.end(trial_id, self._rung(trial_id), score)
        return known

    def _rung(self, trial_id: str) -> int:
        """The rung of a trial; -1 of a baseline, and of a probe of the race."""
        values = self.trials[trial_id].hyperparameters.values
        halved = not is_raced(values) and values["tuner/bracket"] == HALVED
        return int(values["tuner/round"]) if halved else -1

    def _goes_on(self, trial_id: str) -> bool:
        return self._rung(trial_id) > 0

    def _parent(self, trial_id: str) -> str:
        return str(self.trials[trial_id].hyperparameters.values["tuner/trial_id"])

    def _score(self, trial_id: str) -> float:
        """The score of a trial, more being better."""
        return self.sign * float(self.trials[trial_id].score)


def _place(bracket: int, rung: int, initial_epoch: int, epochs: int) -> Values:
    """The place of a trial, in KerasTuner's form."""
    return {
        "tuner/bracket": bracket,
        "tuner/round": rung,
        "tuner/initial_epoch": initial_epoch,
        "tuner/epochs": epochs,
    }
