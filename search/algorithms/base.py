"""The base of all oracles: baselines come first, files are written safely, any seed is kept.

KerasTuner 1.4.8 writes its state in place, cannot reload past one broken file, ignores
`seed=0`, and stops a search after three failures in a row. This class is mixed into its
oracles (see `search.algorithms.registry`) and mends that, in the same file format: a project folder
of ours stays readable by KerasTuner itself.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keras_tuner.engine import trial as trial_module

from search.algorithms.race import Race, is_raced
from search.algorithms.race_first import RaceFirst
from search.errors import TuneError
from search.evaluation.objective import worst_score
from search.process.atomic_files import move_broken_file, read_json, write_json
from search.run_folder.origins import KNOWN_GOOD, RANDOM
from search.run_folder.paths import RunFolder
from search.run_folder.record_files import load_record, load_records
from search.run_folder.records import (
    COMPLETED,
    CROSS_VALIDATED,
    DIVERGED,
    FAILED,
    Logs,
    TrialRecord,
    Values,
)

# KerasTuner's tuner file. Its own tuners reload a project only where this exists.
_TUNER_FILE = "tuner0.json"
DRAWS = 20  # configurations in a row that break a limit, after which no more are drawn


class DurableOracle(RaceFirst):
    """Mixed into a KerasTuner oracle, before it: `class RandomOracle(DurableOracle, ...)`.

    Args:
        baselines: values tried before any random ones, in order.
        race, baselines_on, time_left: see `RaceFirst`.
        open_ended: whether it goes on after its last round of Hyperband.
        most: trials to propose; None for no end but that of the algorithm.
        allowed: whether values keep to the limits of the run; what does not is never proposed.
        judged_on: images that scores rest on, where a family that is clearly behind is given up;
            None where none is. Of use to oracles that learn.
        seed: 0 is a seed like any other.
        directory: folder of the project folder, which is named `oracle`.
    """

    ongoing_trials: dict[str, Any]
    origin = RANDOM  # of the values that were drawn last

    def __init__(
        self,
        *,
        baselines: list[Values],
        race: Race | None = None,
        baselines_on: Callable[[list[Values]], list[Values]] | None = None,
        allowed: Callable[[Values], bool] = lambda values: True,
        time_left: Callable[[], float] = lambda: math.inf,
        open_ended: bool = False,
        most: int | None = None,
        judged_on: int | None = None,
        seed: int,
        directory: Path,
        **options: Any,
    ):
        self.baselines, self.allowed, self.judged_on = baselines, allowed, judged_on
        self.race, self.baselines_on, self.time_left = race, baselines_on, time_left
        self.seconds = {}
        self.open_ended, self.most = open_ended, most
        # `search.tuning.retry` decides when a search is hopeless; KerasTuner raises after three
        # failures in a row.
        super().__init__(seed=seed, max_consecutive_failed_trials=10**9, **options)
        # KerasTuner has taken a random seed in place of 0, which it reads as "no seed".
        self.seed = self._seed_state = seed
        self._display.verbose = 0
        self._set_project_dir(str(directory), "oracle")

    def _random_values(self) -> Values | None:
        """Propose the baselines, then what is drawn.

        KerasTuner remembers which were tried, over restarts too.
        """
        if self.most is not None and len(self.trials) >= self.most:
            return None
        for values in self.baselines:
            if self._usable(values):
                return {**values, "tuner/origin": KNOWN_GOOD}
        for number in range(DRAWS):
            drawn = self.draw(number)
            if drawn is None:
                return None
            if self.allowed(drawn):
                return {**drawn, "tuner/origin": self.origin}
        return None

    def draw(self, number: int) -> Values | None:
        """Draw values that were not tried yet, at random; None where there are none.

        Args:
            number: of the draw for one trial, from 0 on: those before broke a limit.
        """
        self.origin = RANDOM
        drawn: Values | None = super()._random_values()
        return drawn

    def exhausted(self) -> bool:
        """Whether nothing can be proposed any more; the next proposal stays what it would be."""
        seed_state, origin = self._seed_state, self.origin
        # At random, which takes no time: what a model draws is a part of the same space.
        drawn = (DurableOracle.draw(self, number) for number in range(DRAWS))
        nothing = not any(map(self._usable, self.baselines)) and not any(
            values is not None and self.allowed(values) for values in drawn
        )
        self._seed_state, self.origin = seed_state, origin
        return nothing

    def _usable(self, values: Values) -> bool:
        return not self._duplicate(values) and self.allowed(values)

    def _compute_values_hash(self, values: Values) -> str:
        """KerasTuner's, of the values alone: neither of their place nor of their origin."""
        own = {name: value for name, value in values.items() if not name.startswith("tuner/")}
        return str(super()._compute_values_hash(own))

    def finish(self, record: TrialRecord) -> None:
        """Take in a finished trial. Doing so twice is harmless.

        The trial leaves the ongoing ones before the state is saved, so that a restart in
        between does not run it again.
        """
        trial = self.trials[record.trial_id]
        if trial.status in ("COMPLETED", "FAILED"):
            return
        self._note(trial, record)
        self.seconds[record.trial_id] = record.seconds
        trial.status = "COMPLETED" if record.status in (COMPLETED, DIVERGED) else "FAILED"
        trial.message = record.reason or None
        # KerasTuner's `end_trial` removes it only after it has saved the state.
        for slot in [slot for slot, t in self.ongoing_trials.items() if t is trial]:
            del self.ongoing_trials[slot]
        self.end_trial(trial)

    def _note(self, trial: Any, record: TrialRecord) -> None:
        """Put metrics into KerasTuner's trial, in memory: `end_trial` writes them, once."""
        history: list[Logs] = record.history
        if record.status == DIVERGED:
            worst = worst_score(self.objective.direction)
            history = [{"epoch": record.initial_epoch, self.objective.name: worst}]
        for logs in history:
            for name, value in logs.items():
                if name == "epoch":
                    continue
                if not trial.metrics.exists(name):
                    trial.metrics.register(name, self._direction(name))
                trial.metrics.update(name, value, step=int(logs["epoch"]))

    def _direction(self, metric: str) -> str:
        if metric in (self.objective.name, CROSS_VALIDATED):
            return str(self.objective.direction)
        return "min" if metric.endswith("loss") else "max"

    def lost(self, trial_id: str) -> bool:
        """Whether a trial ended without such a result: failed, or diverged."""
        return self.trials[trial_id].status in ("COMPLETED", "FAILED") and not self.useful(trial_id)

    def needed_checkpoints(self) -> set[str]:
        """Trials whose training state may still be continued from.

        After a restart with fewer workers some trials wait their turn to go on.
        """
        return {trial.trial_id for trial in self.ongoing_trials.values()} | set(self._retry_queue)

    # Files. The names are KerasTuner's.

    def save(self) -> None:
        """Write `oracle.json` whole or not at all."""
        folder = Path(self._project_dir)
        write_json(folder / "oracle.json", self.get_state())
        if not (folder / _TUNER_FILE).exists():
            write_json(folder / _TUNER_FILE, {})

    def _save_trial(self, trial: Any) -> None:
        write_json(Path(self._get_trial_dir(trial.trial_id)) / "trial.json", trial.get_state())

    def reload(self) -> None:
        """Read the project folder back; trials begun but not in `oracle.json` never happened.

        Trials that were running are given out again by `create_trial`, first of all. A broken
        file is set aside, and what it held is made again from the records of the run.
        """
        run = RunFolder(Path(self._directory))
        path = Path(self._project_dir) / "oracle.json"
        try:
            state = read_json(path)
            for trial_id in state["start_order"]:
                self.trials[trial_id] = self._load_trial(run, trial_id)
            self.set_state(state)
        except (TuneError, KeyError, TypeError) as error:
            move_broken_file(path, f"broken state of the search ({error})")
            self._rebuild(load_records(run))
        # `create_trial` takes from this queue before it asks for new values.
        self._retry_queue += [
            trial.trial_id
            for trial in self.ongoing_trials.values()
            if trial.trial_id not in self._retry_queue
        ]
        self.ongoing_trials = {}
        self.settle_race()

    def _load_trial(self, run: RunFolder, trial_id: str) -> Any:
        path = Path(self._project_dir) / f"trial_{trial_id}" / "trial.json"
        try:
            return trial_module.Trial.from_state(read_json(path))
        except (TuneError, KeyError, TypeError, AttributeError) as error:
            record = load_record(run, trial_id)
            if record is None:
                raise TuneError(
                    f"trial {trial_id}: neither state nor record is readable"
                ) from error
            if path.exists():
                move_broken_file(path, f"broken trial ({error})")
            return self._trial_of(record)

    def _trial_of(self, record: TrialRecord) -> Any:
        """KerasTuner's trial, made from our record."""
        hyperparameters = self.hyperparameters.copy()
        hyperparameters.values = {**record.values, **record.place()}
        trial = trial_module.Trial(hyperparameters, record.trial_id, "RUNNING")
        if record.finished:
            self._note(trial, record)
            trial.status = "FAILED" if record.status == FAILED else "COMPLETED"
            trial.message = record.reason or None
            if trial.status == "COMPLETED":
                self.score_trial(trial)
        return trial

    def _rebuild(self, records: list[TrialRecord]) -> None:
        """Make the state again from the records; later proposals are not those of the old one."""
        self.trials.clear()
        for record in records:
            trial = self.trials[record.trial_id] = self._trial_of(record)
            self.start_order.append(record.trial_id)
            self._record_values(trial)
            if not is_raced(record.values):
                # How many places a bracket has follows from the baselines.
                self.settle_race()
                self._place(record)
            if record.finished:
                self.end_order.append(record.trial_id)
                self._run_times[record.trial_id] = 1
            else:
                self.ongoing_trials[record.trial_id] = trial
        # KerasTuner draws each value with the next seed. How many it has used is lost with the
        # state: skip more than these trials needed, so that no draw is repeated.
        self._seed_state += 1000 * len(records)

    def _place(self, record: TrialRecord) -> None:
        """Put a trial back where the algorithm had it; only Hyperband has such places."""
