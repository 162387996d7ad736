"""Run the search loop: ask the oracle, run trials, save their records, tell the oracle."""

import time
from contextlib import suppress
from typing import Protocol

from data_pipeline.atomic_files import sweep
from search.algorithms.base import DurableOracle
from search.algorithms.racing.probed import is_raced, own_values
from search.errors import TuneError
from search.evaluation.objective import objective_named
from search.observers.observer import Observer
from search.process.stop_signal import StopSignal
from search.run_folder.paths import RunFolder
from search.run_folder.ranking import configuration_history
from search.run_folder.record_files import load_records, move_broken_records
from search.run_folder.records import RUNNING, STOPPED, TrialRecord, TrialResult
from search.trial.checkpoint import TrainingState
from search.trial.early_stop import peer_curves
from search.trial.messages import Progress, Report, TrialTask
from search.tuning.retry import FirstFailures, abandoned, in_full, next_attempt


class Executor(Protocol):
    """Where trials run: in this process, or in workers."""

    max_starts: int  # starts without progress, after which a trial is set aside

    @property
    def slots(self) -> int:
        """Trials at once; may change while some run."""

    def start(self, task: TrialTask) -> None:
        """Begin a trial; at most `slots` at a time."""

    def wait(self, report: Report, stop: StopSignal) -> tuple[str, TrialResult] | None:
        """Block until a begun trial ends; its id, and its result, whose status is not RUNNING.

        None where there are more slots than before, for which trials may be begun.

        `report` is told of progress and answers whether the trial may go on; `stop` is to be
        asked where there is no progress to report.
        """


class Search:
    """One search over one run folder.

    Args:
        max_epochs: budget of a trial where the algorithm gives none.
        early_stop: whether trials are told of their peers, and may end for them.
        stop: asked several times per second; the search ends cleanly when it is requested.
    """

    def __init__(
        self,
        run: RunFolder,
        oracle: DurableOracle,
        executor: Executor,
        *,
        observers: list[Observer],
        max_epochs: int,
        early_stop: bool = False,
        stop: StopSignal,
    ):
        self.run, self.oracle, self.executor = run, oracle, executor
        self.observers, self.max_epochs, self.stop = observers, max_epochs, stop
        self.early_stop = early_stop
        # All of the run, read once: a search of thousands of trials asks for them after each.
        self.records: dict[str, TrialRecord] = {}
        self.running: set[str] = set()
        self.slot = 0
        self.first_failures = FirstFailures()
        self.begun_with_configuration = False

    def to_the_end(self) -> bool:
        """Run trials until the oracle has no more (True) or a stop is requested (False).

        Raises:
            TuneError: nothing works: the first trials all failed.
        """
        self.begun_with_configuration = self.run.config.exists()
        sweep(self.run.path)
        move_broken_records(self.run)
        self.records = {record.trial_id: record for record in load_records(self.run)}
        for trial_id in self.oracle.end_order:  # of a run that goes on
            self.first_failures.note(self.records.get(trial_id))
        while True:
            while len(self.running) < self.executor.slots and (record := self._next_trial()):
                self._start(record)
            if not self.running:
                return not self.stop.requested
            try:
                ended = self.executor.wait(self._progress, self.stop)
            except (OSError, TuneError):  # as of a full disk: not for what a trial is
                self._put_back()
                raise
            if ended:
                self._take(*ended)

    def _put_back(self) -> None:
        """Let the trials that run not be to blame for the end of the search."""
        for trial_id in sorted(self.running):
            record = self.records[trial_id]
            with suppress(OSError, TuneError):  # the end has its own reason already
                self._save(record.with_outcome(status=STOPPED, attempts=record.attempts - 1))

    def _next_trial(self) -> TrialRecord | None:
        """The next trial to run; those whose result is on disk already are only taken in."""
        while not self.stop.requested:
            # KerasTuner gives a slot its running trial again: each asks as a new one.
            self.slot += 1
            trial = self.oracle.create_trial(f"slot{self.slot}")
            if trial.status != "RUNNING":
                return None
            known = self.records.get(trial.trial_id)
            record = self._progressed(known or self._new_record(trial.trial_id))
            record = self._ended(abandoned(record, self.executor.max_starts) or record)
            if not record.finished:
                return record
            self._finish(self._save(record))
        return None

    def _save(self, record: TrialRecord) -> TrialRecord:
        # Writing would make the folder again, with nothing but this record in it.
        if self.begun_with_configuration and not self.run.config.exists():
            raise TuneError(
                f"{self.run.path}: was moved or deleted while the search ran; what had ended is in "
                "it: go on with 'tune run --resume NAME', under its name by now"
            )
        self.records[record.trial_id] = record.save(self.run)
        return record

    def _finish(self, record: TrialRecord) -> None:
        self.oracle.finish(record)
        self.first_failures.note(record)

    def _ended(self, record: TrialRecord) -> TrialRecord:
        """A finished trial with the time at which it did, where it has none yet."""
        if not record.finished or record.ended is not None:
            return record
        return record.with_outcome(ended=time.time())

    def _progressed(self, record: TrialRecord) -> TrialRecord:
        """A trial that was begun before; what it has checkpointed since clears its count."""
        if record.attempts == 0:
            return record
        epoch = TrainingState.epoch_of(self.run.checkpoint(record.trial_id))
        if epoch <= record.resumed_at:
            return record
        return record.with_outcome(attempts=0, resumed_at=epoch)

    def _new_record(self, trial_id: str) -> TrialRecord:
        values = dict(self.oracle.trials[trial_id].hyperparameters.values)
        place = {name: values.pop(name) for name in list(values) if name.startswith("tuner/")}
        if raced := is_raced(values):
            values = own_values(values)
        parent = place.get("tuner/trial_id")
        images = int(place["tuner/images"]) if "tuner/images" in place else None
        first = self.records.get(str(parent))  # of the configuration, whose rungs share its id
        return TrialRecord(
            trial_id=trial_id,
            configuration=first.configuration if first else trial_id,
            values=values,
            bracket=int(place.get("tuner/bracket", 0)),
            rung=int(place.get("tuner/round", 0)),
            initial_epoch=int(place.get("tuner/initial_epoch", 0)),
            epochs=int(place.get("tuner/epochs", self.max_epochs)),
            parent=parent,
            baseline=raced or values in self.oracle.baselines,
            images=images,
            batch_size=first.batch_size if first else None,
            origin=str(place.get("tuner/origin", "")),
        )

    def _task(self, record: TrialRecord) -> TrialTask:
        """What the trial is given: its specification, and what it must know of others."""
        if not self.early_stop:
            return TrialTask(record.spec)
        others = [r for r in self.records.values() if r.trial_id != record.trial_id]
        return TrialTask(
            record.spec,
            earlier=tuple(configuration_history(others, record.configuration)),
            peers=peer_curves(
                others, record.configuration, objective_named(self.oracle.objective.name)
            ),
        )

    def _start(self, record: TrialRecord) -> None:
        # Saved before it starts: a start counts even if the trial ends this program.
        begun, attempts = record.begun or time.time(), record.attempts + 1
        record = self._save(record.with_outcome(status=RUNNING, begun=begun, attempts=attempts))
        self.running.add(record.trial_id)
        # Before observers are told, which may take a second.
        self.executor.start(self._task(record))
        for observer in self.observers:
            observer.trial_started(record)

    def _progress(self, progress: Progress) -> bool:
        for observer in self.observers:
            observer.progress(progress)
        return not self.stop.requested

    def _take(self, trial_id: str, result: TrialResult) -> None:
        """Write the record first: from then on the trial is done, whatever happens next."""
        self.running.remove(trial_id)
        record = self.records[trial_id].with_result(result)
        retry = next_attempt(record)
        if retry and not self.stop.requested:
            self._start(retry)
            return
        if retry:  # by whoever goes on
            record = retry.with_outcome(status=STOPPED)
        elif record.status == STOPPED:
            record = record.with_outcome(attempts=record.attempts - 1)
        record = self._save(self._ended(in_full(record)))
        if record.finished:
            self._finish(record)
        for observer in self.observers:
            observer.trial_finished(record)
        self._prune_checkpoints()
        self.first_failures.require_hope()

    def _prune_checkpoints(self) -> None:
        """Delete every training state that nothing can go on from any more."""
        needed = self.oracle.needed_checkpoints()
        for path in self.run.checkpoint("").parent.glob("*.npz"):
            if path.stem not in needed:
                path.unlink()
