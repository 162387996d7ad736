"""A Keras callback that validates, reports and saves a trial after each epoch."""

import math
import time
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from search.evaluation.metrics import prediction_metrics
from search.run_folder.config import objective_of
from search.run_folder.records import (
    COMPLETED,
    CROSS_VALIDATED,
    DIVERGED,
    STOPPED,
    Logs,
    TrialResult,
)
from search.trial.checkpoint import TrainingState, capture
from search.trial.early_stop import EarlyStop
from search.trial.messages import REPORT_SECONDS, Progress, Report, TrialTask
from search.trial.storage import TrialStorage
from search.trial.training import Training

CHECKPOINT_SHARE = 0.05  # of the training time that writing checkpoints may take


class TrialCallback(keras.callbacks.Callback):
    """Validates at each epoch's end, keeps what is worth keeping, and stops when told to.

    Args:
        task: the trial, and what it must know of others.
        training: how its configuration is trained.
        state: from which it goes on, or None.
        report: told of each epoch and, several times per second, of steps.
        storage: where checkpoints and predictions go.
        early_stop: what the trial is compared with; None where it is not.
        parameters: number of weights of the model.
        traced: whether the model has been trained before: its first steps then take no longer.
    """

    phase = 0

    def __init__(
        self,
        task: TrialTask,
        training: Training,
        state: TrainingState | None,
        report: Report,
        *,
        storage: TrialStorage,
        early_stop: EarlyStop | None,
        parameters: int,
        traced: bool,
    ):
        super().__init__()
        self.experiment, self.training = training.experiment, training
        self.objective = objective_of(training.experiment.config)
        self.spec, self.earlier, self.report = task.spec, task.earlier, report
        self.storage, self.early_stop = storage, early_stop
        self.steps, self.parameters = training.steps, parameters
        self.history: list[Logs] = list(state.history) if state else []
        self.predictions = state.predictions if state else None
        self.epoch = state.epoch if state else 0
        self.status = COMPLETED
        self.reason = ""
        self.last_report = self.last_checkpoint = time.monotonic()
        self.writing = 0.0  # seconds that the last checkpoint took
        self.stopped_early = ""
        self.traced, self.stepping, self.steps_since = traced, 0.0, 0.0

    def judge_restored(self) -> bool:
        """Judge what the state held that the trial goes on from: whether it had ended early.

        The state is saved before the record of the trial. A program that was killed in between
        knows only the state, and the same seed must give the same epochs.
        """
        self._judge(self.epoch)
        return bool(self.stopped_early)

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
            self._tell(Progress(self.spec.trial_id, self.epoch, batch + 1, self.steps))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Validate, note, report, judge, checkpoint."""
        if self.status != COMPLETED:
            return  # stopped in the middle: this epoch's numbers are not whole
        self.stepping += time.monotonic() - self.steps_since
        start = time.monotonic()
        probabilities = self.training.validate(self.model, self._tell_again)
        if self.traced:
            self.stepping += time.monotonic() - start
        # The first epoch traced the graphs, which takes seconds and says nothing of later steps.
        self.traced = True
        if not np.isfinite(probabilities).all():
            self._stop(DIVERGED, f"predictions are not numbers after epoch {epoch + 1}")
            return
        if epoch >= self.spec.initial_epoch:
            self._note(epoch, logs, probabilities)
        progress = Progress(
            self.spec.trial_id,
            epoch,
            self.steps,
            self.steps,
            logs=self.history[-1] if self.history else None,
        )
        self._tell(progress)
        # Judged before it is saved: a trial that ends here must have a checkpoint.
        self._judge(epoch + 1)
        if self.stopped_early:
            self.model.stop_training = True
        self._checkpoint(epoch + 1)

    def _judge(self, epoch: int) -> None:
        """End the trial where it stands if it cannot win; it counts as finished."""
        if self.early_stop is None or not self.history or self.status != COMPLETED:
            return
        if epoch >= self.spec.epochs:
            return
        self.stopped_early = self.early_stop.reason(
            [*self.earlier, *self.history],
            steps_per_epoch=self.steps,
            promoted=self.spec.parent is not None,
        )

    def _note(self, epoch: int, logs: Any, probabilities: NDArray[np.float32]) -> None:
        """Add the epoch to the history, and keep its predictions if it is the best so far."""
        targets = self.experiment.targets[self.experiment.validation]
        validation = prediction_metrics(probabilities, targets)
        self.history.append(
            {"epoch": epoch, "loss": float(logs["loss"]), "accuracy": float(logs["accuracy"])}
            | ({"learning_rate": float(rate)} if (rate := _rate(self.model)) is not None else {})
            | {f"val_{name}": value for name, value in validation.items()}
        )
        if self.objective.name not in self.history[-1]:
            score = self.objective.from_predictions(probabilities, targets)
            self.history[-1][self.objective.name] = score
        if (value := self.training.cross_validated()) is not None:
            self.history[-1][CROSS_VALIDATED] = value
        if self._best()["epoch"] == epoch:
            self.predictions = probabilities

    def _best(self) -> Logs:
        """The epoch with the best objective; of equal ones the first."""
        return self.objective.best_epoch(self.history)

    def _tell_again(self) -> None:
        """Say during a long validation that the trial does not hang."""
        now = time.monotonic()
        if now - self.last_report >= REPORT_SECONDS:
            self.last_report = now
            self._tell(Progress(self.spec.trial_id, self.epoch, self.steps, self.steps))

    def _tell(self, progress: Progress) -> None:
        if not self.report(progress) and self.status == COMPLETED:
            self._stop(STOPPED, "")

    def _stop(self, status: str, reason: str) -> None:
        self.status, self.reason = status, reason
        self.model.stop_training = True

    def _checkpoint(self, epoch: int) -> None:
        """Save the state at the trial's end, and in between as often as costs little."""
        if self.training.solved:
            return  # as soon solved again
        ends = epoch >= self.spec.epochs or self.status == STOPPED or self.stopped_early
        start = time.monotonic()
        if not ends and (start - self.last_checkpoint) * CHECKPOINT_SHARE < self.writing:
            return
        state = capture(
            self.model,
            epoch=epoch,
            phase=self.phase,
            history=self.history,
            predictions=self.predictions,
            steps=self.steps,
        )
        self.storage.save_state(self.spec.trial_id, state)
        self.last_checkpoint = time.monotonic()
        self.writing = self.last_checkpoint - start

    def outcome(self, *, seconds: float) -> TrialResult:
        """What came out; predictions at the best epoch so far are kept, those of a stop too.

        Args:
            seconds: that this attempt took.
        """
        best: Logs = self._best() if self.history else {}
        # Those of a part of the images could be compared with no others.
        whole = self.spec.images is None
        if self.status in (COMPLETED, STOPPED) and self.predictions is not None and whole:
            self.storage.save_predictions(self.spec.trial_id, self.predictions)
        return TrialResult(
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


def _rate(model: Any) -> Any:
    """The learning rate of a compiled model; None for one that is solved."""
    return model.optimizer.learning_rate if model.compiled else None
