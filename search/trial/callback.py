"""What happens around the epochs of a trial: a Keras callback."""

import math
import time
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from search.evaluation.metrics import evaluate
from search.process.atomic_files import write_array
from search.run_folder.config import objective_of
from search.run_folder.records import (
    COMPLETED,
    DIVERGED,
    STOPPED,
    Logs,
    TrialRecord,
    configuration_history,
    load_records,
)
from search.trial.checkpoint import TrainingState, capture
from search.trial.early_stop import EPOCHS, EarlyStop
from search.trial.messages import REPORT_SECONDS, Progress, Report
from search.trial.training import Training

CHECKPOINT_SHARE = 0.05  # of the time that may go into writing checkpoints


class TrialCallback(keras.callbacks.Callback):
    """Validates at each epoch's end, keeps what is worth keeping, and stops when told to.

    Args:
        record: the trial.
        training: how its configuration is trained.
        state: from which it goes on, or None.
        report: told of each epoch and, several times a second, of steps.
        parameters: number of weights of the model.
        traced: whether the model has been trained before: its first steps then take no longer.
    """

    phase = 0

    def __init__(
        self,
        record: TrialRecord,
        training: Training,
        state: TrainingState | None,
        report: Report,
        *,
        parameters: int,
        traced: bool,
    ):
        super().__init__()
        self.experiment, self.training = training.experiment, training
        self.objective = objective_of(training.experiment.config)
        self.record, self.report = record, report
        self.steps, self.parameters = training.steps, parameters
        self.history: list[Logs] = list(state.history) if state else []
        self.predictions = state.predictions if state else None
        self.epoch = record.initial_epoch
        self.status = COMPLETED
        self.reason = ""
        self.last_report = self.last_checkpoint = time.monotonic()
        self.writing = 0.0  # seconds that the last checkpoint took
        self.stopped_early = ""
        self.early_stop, self.before = self._comparison()
        self.traced, self.stepping, self.steps_since = traced, record.step_seconds, 0.0

    def _comparison(self) -> tuple[EarlyStop | None, list[Logs]]:
        """What the trial is measured by, and the history of its earlier rungs."""
        config, run = self.experiment.config, self.experiment.run
        if not config.early_stop or self.record.epochs <= EPOCHS:
            return None, []  # nobody asks
        records = [r for r in load_records(run) if r.trial_id != self.record.trial_id]
        rule = EarlyStop.from_records(
            records,
            configuration=self.record.configuration,
            targets=self.experiment.targets[self.experiment.validation],
        )
        return rule, configuration_history(records, self.record.configuration)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Keras's hook."""
        self.epoch = epoch
        self.steps_since = time.monotonic() if self.traced else 0.0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Report, and stop at a loss that is no number."""
        self.steps_since = self.steps_since or time.monotonic()
        if not math.isfinite(logs["loss"]):
            self._stop(DIVERGED, f"loss is {logs['loss']} in epoch {self.epoch + 1}")
            return
        now = time.monotonic()
        if now - self.last_report >= REPORT_SECONDS:
            self.last_report = now
            self._tell(Progress(self.record.trial_id, self.epoch, batch + 1, self.steps))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Validate, note, report, judge, checkpoint."""
        if self.status != COMPLETED:
            return  # stopped in the middle: this epoch's numbers are not whole
        self.stepping += time.monotonic() - self.steps_since
        start = time.monotonic()
        probabilities = self.training.validate(self.model)
        if self.traced:
            self.stepping += time.monotonic() - start
        self.traced = True
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
        self._judge(epoch + 1)
        self._checkpoint(epoch + 1)

    def _judge(self, epoch: int) -> None:
        """End the trial where it stands if it cannot win; it counts as finished."""
        if self.early_stop is None or not self.history or self.status != COMPLETED:
            return
        if epoch >= self.record.epochs:
            return
        self.stopped_early = self.early_stop.reason(
            [*self.before, *self.history],
            steps_per_epoch=self.steps,
            promoted=self.record.parent is not None,
        )
        self.model.stop_training = bool(self.stopped_early)

    def _note(self, epoch: int, logs: Any, probabilities: NDArray[np.float32]) -> None:
        """Add the epoch to the history, and keep its predictions if it is the best so far."""
        targets = self.experiment.targets[self.experiment.validation]
        validation = evaluate(probabilities, targets)
        self.history.append(
            {"epoch": epoch, "loss": float(logs["loss"]), "accuracy": float(logs["accuracy"])}
            | {"learning_rate": float(self.model.optimizer.learning_rate)}
            | {f"val_{name}": value for name, value in validation.items()}
        )
        if self.objective.name not in self.history[-1]:
            score = self.objective.from_predictions(probabilities, targets)
            self.history[-1][self.objective.name] = score
        if self._best()["epoch"] == epoch:
            self.predictions = probabilities

    def _best(self) -> Logs:
        """The epoch with the best objective; of equal ones the first."""
        return self.objective.best_epoch(self.history)

    def _tell(self, progress: Progress) -> None:
        if not self.report(progress) and self.status == COMPLETED:
            self._stop(STOPPED, "")

    def _stop(self, status: str, reason: str) -> None:
        self.status, self.reason = status, reason
        self.model.stop_training = True

    def _checkpoint(self, epoch: int) -> None:
        """Save the state at the trial's end, and in between as often as costs little."""
        ends = epoch >= self.record.epochs or self.status == STOPPED or self.stopped_early
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
            score=best.get(self.objective.name) if self.status != DIVERGED else None,
            best_epoch=int(best["epoch"]) if best else None,
            seconds=seconds,
            step_seconds=round(self.stepping, 3),
            stopped_early=self.stopped_early,
            parameters=self.parameters,
        )
