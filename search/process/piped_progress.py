"""Progress that is told in one process and shown in another, through a pipe.

Words go one way, each a tuple that begins with its kind: "message", "warning", "warn", "task",
"update", "ended" (a task, or all) and "failed".
"""

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from search.process.progress import ProgressSink, Task

SAID_EVERY = 0.1  # seconds between two words of how far it is


class ElsewhereError(Exception):
    """Where in the other process an error was raised: its traceback, as the cause of the error."""


class PipedProgress:
    """The sink at the end where the work is done."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe, self._said = pipe, 0.0

    def message(self, text: str) -> None:
        """Pass a message on."""
        self._pipe.send(("message", text))

    def warning(self, text: str) -> None:
        """Pass a warning on."""
        self._pipe.send(("warning", text))

    @contextmanager
    def task(self, description: str, *, counted: bool = False) -> Iterator[Task]:
        """Begin a task there."""
        self._pipe.send(("task", description, counted))
        try:
            yield self
        finally:
            self._pipe.send(("ended", None))

    def update(self, done: float, total: float, description: str | None = None) -> None:
        """Say how far it is, not too often."""
        now = time.monotonic()
        if done == total or now - self._said >= SAID_EVERY:
            self._said = now
            self._pipe.send(("update", done, total, description))

    def warn(self, message: Warning | str, category: type[Warning], *_: Any) -> None:
        """In place of `warnings.showwarning`; those of libraries are for their developers."""
        if category is UserWarning:
            self._pipe.send(("warn", str(message)))


def pass_on(pipe: Connection, progress: ProgressSink, task: Task | None = None) -> Any:
    """Pass on what comes, until the other process or the task that it is at has ended.

    Returns:
        What came with the end.

    Raises:
        Exception: what was raised there.
        EOFError: it ended without a word.
    """
    while True:
        word, *values = pipe.recv()
        if word == "ended":
            return values[0]
        if word == "failed":
            error, where = values
            raise error from ElsewhereError(where)
        if word == "task":
            description, counted = values
            with progress.task(description, counted=counted) as begun:
                pass_on(pipe, progress, begun)
        elif word == "update" and task is not None:
            task.update(*values)
        elif word == "warn":
            warnings.warn(values[0], stacklevel=3)
        elif word == "message":
            progress.message(*values)
        elif word == "warning":
            progress.warning(*values)
