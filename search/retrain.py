"""Train a configuration from scratch for a given number of epochs, apart from any search."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from search.interrupt import Going
from search.records import Logs
from search.training import Training

Advance = Callable[[float], None]
"""Told the share of the training that is done, 0 to 1."""


class DivergedError(Exception):
    """The loss is no longer a number."""


def train(
    training: Training, model: Any, *, epochs: int, advance: Advance, going: Going
) -> list[Logs]:
    """Train `model`, fresh from `training`, and return the metrics of its epochs.

    Raises:
        KeyboardInterrupt: told to stop.
        DivergedError: the loss is no longer a number.
    """
    steps = _Steps(training.steps * epochs, advance, going)
    training.fit(model, initial_epoch=0, epochs=epochs, callbacks=[steps])
    require_going(going)
    if not steps.history or not np.isfinite(steps.history[-1]["loss"]):
        raise DivergedError
    return steps.history


def require_going(going: Going) -> None:
    """Raise KeyboardInterrupt if the user asked for an end."""
    if not going():
        raise KeyboardInterrupt


class _Steps(keras.callbacks.Callback):
    """Counts steps for the progress bar and keeps the history."""

    phase = 0

    def __init__(self, steps: int, advance: Advance, going: Going):
        super().__init__()
        self.steps, self.advance, self.going = steps, advance, going
        self.history: list[Logs] = []
        self.done, self.last, self.epoch = 0, -1, 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch, self.last = epoch, -1

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.done, self.last = self.done + batch - self.last, batch  # several steps in one call
        self.advance(self.done / self.steps)
        if not self.going() or not np.isfinite(logs["loss"]):
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.history.append(
            {"epoch": epoch, "loss": float(logs["loss"]), "accuracy": float(logs["accuracy"])}
        )
