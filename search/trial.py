"""Run one trial: build, restore, train epochs [a, b), checkpoint, report.

Takes plain values and returns plain values, so that it runs the same in this process, in a
worker process, or on another machine.
"""

import math
import time
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from search.checkpoint import TrainingState, capture
from search.config import OBJECTIVES
from search.experiment import Experiment
from search.failure import values_used
from search.kept import Kept
from search.messages import Progress, Report
from search.metrics import evaluate
from search.records import COMPLETED, DIVERGED, STOPPED, Logs, TrialRecord
from search.store import write_array
from search.training import Training, configuration_seed

REPORT_SECONDS = 0.25  # how often a step is reported
CHECKPOINT_SHARE = 0.05  # of the time that may go into writing checkpoints


def run_trial(
    experiment: Experiment, record: TrialRecord, report: Report, kept: Kept | None = None
) -> TrialRecord:
    """Train a trial to its end, or until `report` answers False.

    Args:
        experiment: the run that it belongs to.
        record: what to train; goes on from its own checkpoint, else from its parent's.
        report: called several times a second; False stops the trial, to be continued later.
        kept: what this process has kept of earlier trials.

    Returns:
        The record with status COMPLETED, DIVERGED or STOPPED, history, score and time.
    """
    start = time.monotonic()
    kept = kept or Kept()
    tell = _Preparations(record, report)
    seed = configuration_seed(experiment.config.seed, record.configuration)
    training = kept.training(experiment, values_used(record), seed, tell)
    try:
        model = kept.model(training)
        state = _last_state(experiment, record)
        watch = _Watch(record, training, state, report, parameters=training.parameters(model))
        training.fit(
            model,
            initial_epoch=state.epoch if state else 0,
            epochs=record.epochs,
            state=state,
            callbacks=[watch],
        )
    except _StopError:
        return record.with_outcome(status=STOPPED, seconds=_spent(record, start))
    return watch.outcome(seconds=_spent(record, start))


def _spent(record: TrialRecord, start: float) -> float:
    return round(record.seconds + time.monotonic() - start, 3)


class _StopError(Exception):
    """The trial was told to stop before its training began."""


class _Preparations:
    """Reports what is done before training; what a `FeatureBank` tells."""

    def __init__(self, record: TrialRecord, report: Report):
        self.record, self.report = record, report
        self.last = 0.0

    def __call__(self, done: int, todo: int) -> None:
        now = time.monotonic()
        if now - self.last < REPORT_SECONDS and done < todo:
            return
        self.last = now
        epoch = self.record.initial_epoch
        progress = Progress(self.record.trial_id, epoch, done, todo, before="computing features")
        if not self.report(progress):
            raise _StopError


def _last_state(experiment: Experiment, record: TrialRecord) -> TrainingState | None:
    """The trial's own state if it was interrupted, else its parent's last.

    None where neither can be read: the trial then trains from epoch 0, to the same end.
    """
    own = TrainingState.load(experiment.run.checkpoint(record.trial_id))
    if own is not None or record.parent is None:
        return own
    state = TrainingState.load(experiment.run.checkpoint(record.parent))
    if state is not None:
        state.history, state.predictions = [], None
    return state


class _Watch(keras.callbacks.Callback):
    """Validates at each epoch's end, keeps what is worth keeping, and stops when told to."""

    phase = 0

    def __init__(
        self,
        record: TrialRecord,
        training: Training,
        state: TrainingState | None,
        report: Report,
        *,
        parameters: int,
    ):
        super().__init__()
        self.experiment, self.training = training.experiment, training
        self.record, self.report = record, report
        self.steps, self.parameters = training.steps, parameters
        self.history: list[Logs] = list(state.history) if state else []
        self.predictions = state.predictions if state else None
        self.epoch = record.initial_epoch
        self.status = COMPLETED
        self.reason = ""
        self.last_report = self.last_checkpoint = time.monotonic()
        self.writing = 0.0  # seconds that the last checkpoint took

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if not math.isfinite(logs["loss"]):
            self._stop(DIVERGED, f"loss is {logs['loss']} in epoch {self.epoch + 1}")
            return
        now = time.monotonic()
        if now - self.last_report >= REPORT_SECONDS:
            self.last_report = now
            self._tell(Progress(self.record.trial_id, self.epoch, batch + 1, self.steps))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.status != COMPLETED:
            return  # stopped in the middle: this epoch's numbers are not whole
        probabilities = self.training.validate(self.model)
        if not np.isfinite(probabilities).all():
            self._stop(DIVERGED, f"predictions are not numbers after epoch {epoch + 1}")
            return
        if epoch >= self.record.initial_epoch:
            self._note(epoch, logs, probabilities)
        progress = Progress(
            self.record.trial_id,
            epoch,
            self.steps,
            self.steps,
            logs=self.history[-1] if self.history else None,
        )
        self._tell(progress)
        self._checkpoint(epoch + 1)

    def _note(self, epoch: int, logs: Any, probabilities: NDArray[np.float32]) -> None:
        """Add the epoch to the history, and keep its predictions if it is the best so far."""
        targets = self.experiment.targets[self.experiment.validation]
        validation = evaluate(probabilities, targets)
        self.history.append(
            {"epoch": epoch, "loss": float(logs["loss"]), "accuracy": float(logs["accuracy"])}
            | {"learning_rate": float(self.model.optimizer.learning_rate)}
            | {f"val_{name}": value for name, value in validation.items()}
        )
        if self._best()["epoch"] == epoch:
            self.predictions = probabilities

    def _best(self) -> Logs:
        """The epoch with the best objective; of equal ones the first."""
        objective = self.experiment.config.objective
        choose = max if OBJECTIVES[objective] == "max" else min
        return choose(self.history, key=lambda logs: logs[objective])

    def _tell(self, progress: Progress) -> None:
        if not self.report(progress) and self.status == COMPLETED:
            self._stop(STOPPED, "")

    def _stop(self, status: str, reason: str) -> None:
        self.status, self.reason = status, reason
        self.model.stop_training = True

    def _checkpoint(self, epoch: int) -> None:
        """Save the state at the trial's end, and in between as often as costs little."""
        ends = epoch >= self.record.epochs or self.status == STOPPED
        start = time.monotonic()
        if not ends and (start - self.last_checkpoint) * CHECKPOINT_SHARE < self.writing:
            return
        capture(
            self.model,
            epoch=epoch,
            phase=self.phase,
            history=self.history,
            predictions=self.predictions,
        ).save(self.experiment.run.checkpoint(self.record.trial_id))
        self.last_checkpoint = time.monotonic()
        self.writing = self.last_checkpoint - start

    def outcome(self, *, seconds: float) -> TrialRecord:
        """The record of what happened, and the predictions beside it."""
        best: Logs = self._best() if self.history else {}
        if self.status == COMPLETED and self.predictions is not None:
            write_array(self.experiment.run.predictions(self.record.trial_id), self.predictions)
        return self.record.with_outcome(
            status=self.status,
            reason=self.reason,
            history=self.history,
            score=best.get(self.experiment.config.objective) if self.status != DIVERGED else None,
            best_epoch=int(best["epoch"]) if best else None,
            seconds=seconds,
            parameters=self.parameters,
        )
