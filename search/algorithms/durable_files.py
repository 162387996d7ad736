"""The files of an oracle: written whole or not at all, and read back past broken ones.

KerasTuner 1.4.8 writes its state in place and cannot reload past one broken file. This mends
that, in the same file format: a project folder of ours stays readable by KerasTuner itself.
"""

from pathlib import Path
from typing import Any

from keras_tuner.engine import trial as trial_module

from search.algorithms.racing.probed import is_raced
from search.algorithms.racing.race_first import RaceFirst
from search.errors import TuneError
from search.evaluation.objective import worst_score
from search.process.atomic_files import move_broken_file, read_json, write_json
from search.run_folder.paths import RunFolder
from search.run_folder.record_files import load_record, load_records
from search.run_folder.records import (
    CROSS_VALIDATED,
    DIVERGED,
    FAILED,
    Logs,
    TrialRecord,
)

# KerasTuner's tuner file. Its own tuners reload a project only where this exists.
_TUNER_FILE = "tuner0.json"


class DurableFiles(RaceFirst):
    """The part of `search.algorithms.base.DurableOracle` that keeps KerasTuner's files."""

    ongoing_trials: dict[str, Any]

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
        if self.race is not None:
            self.note_earlier_probes(load_records(run))

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
