"""Train a configuration from scratch for a given number of epochs, apart from any search."""

import time
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from search.errors import TuneError
from search.process.progress import ProgressSink, Update
from search.process.stop_signal import StopSignal
from search.process.wording import counted, duration_in_words
from search.run_folder.records import Logs, TrialRecord
from search.trial.effective_values import effective_values
from search.trial.experiment import Experiment
from search.trial.keras_setup import configuration_seed
from search.trial.model_cache import ModelCache
from search.trial.training import Training

RETRAINING = "retraining"  # what the task is called


class DivergedError(Exception):
    """The loss is no longer a number."""


def train_epochs(
    training: Training, model: Any, *, epochs: int, update: Update, stop: StopSignal
) -> list[Logs]:
    """Train `model`, fresh from `training`, and return the metrics of its epochs.

    A schedule of the learning rate ends with them. The best epoch of a trial may lie in the
    middle of its schedule, where the rate is high and the weights are far from settled: on hand
    signs three of nine epochs had 0.874 of the test images right (mean of four seeds), three
    whose rate falls to 0 had 0.935.

    Args:
        training: how.
        model: as `training` builds it, compiled or not.
        epochs: how many.
        update: told how many steps are done, and how many there are in all epochs.
        stop: asked at every step.

    Raises:
        KeyboardInterrupt: told to stop.
        DivergedError: the loss is no longer a number.
    """
    config = replace(training.experiment.config, max_epochs=epochs)
    training = replace(training, experiment=replace(training.experiment, config=config))
    if model.compiled:
        training.adjust(model)
    steps = _Steps(training.steps * epochs, update, stop)
    training.fit(model, initial_epoch=0, epochs=epochs, callbacks=[steps])
    stop.raise_if_requested()
    if not steps.history or not np.isfinite(steps.history[-1]["loss"]):
        raise DivergedError
    return steps.history


def retrain(
    experiment: Experiment, record: TrialRecord, *, stop: StopSignal, progress: ProgressSink
) -> tuple[Any, list[Logs]]:
    """Train on train + validation for as many epochs as the search needed to its best.

    Raises:
        KeyboardInterrupt: told to stop; nothing is written.
        TuneError: the loss is no longer a number.
    """
    epochs = record.epochs_to_best
    rows = np.concatenate([experiment.train, experiment.validation])
    both = replace(experiment, train=rows, validation=rows[:0])
    seed = configuration_seed(experiment.config.seed, record.configuration)
    started = time.monotonic()
    with progress.task(RETRAINING) as task:

        def features(done: int, total: int) -> None:
            stop.raise_if_requested()
            task.update(done, total, "computing features")

        def steps(done: int, total: int) -> None:
            task.update(done, total, RETRAINING)

        training = ModelCache().training(both, effective_values(record), seed, features)
        model = training.build()
        try:
            history = train_epochs(training, model, epochs=epochs, update=steps, stop=stop)
        except DivergedError as error:
            raise TuneError(
                "retraining diverged: the loss is not a number; export another run"
            ) from error
    seconds = time.monotonic() - started
    progress.message(f"retrained {counted(epochs, 'epoch')} in {duration_in_words(seconds)}")
    return training.whole(model), history


class _Steps(keras.callbacks.Callback):
    """Counts steps for the progress bar and keeps the history."""

    phase = 0

    def __init__(self, steps: int, update: Update, stop: StopSignal):
        super().__init__()
        self.steps, self.update, self.stop = steps, update, stop
        self.history: list[Logs] = []
        self.done, self.last, self.epoch = 0, -1, 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch, self.last = epoch, -1

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.done, self.last = self.done + batch - self.last, batch  # several steps in one call
        self.update(self.done, self.steps)
        if self.stop.requested or not np.isfinite(logs["loss"]):
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.history.append(
            {"epoch": epoch, "loss": float(logs["loss"]), "accuracy": float(logs["accuracy"])}
        )
