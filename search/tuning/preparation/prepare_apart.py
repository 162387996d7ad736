"""Prepare many images in a process of its own, whose memory is free again when it ends.

What is known of a million files takes hundreds of megabytes while it is worked on, beside those of
TensorFlow, which the driver has loaded by then. What is prepared lies on the disk; the process says
through a pipe how far it is.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

from data_pipeline.processes.contexts import SpawnContext
from data_pipeline.processes.spared_imports import mark_own_process
from models.families.registry import register_name
from search.errors import TuneError
from search.process.progress import ProgressSink, Task
from search.run_folder.config import RunConfig
from search.run_folder.paths import RunFolder
from search.tuning.preparation.prepare_data import prepare_data

MANY_FILES = 100_000
SAID_EVERY = 0.1  # seconds between two words of how far it is
END_SECONDS = 30.0  # in which the checks that it has made are saved, where it is stopped


def has_many_files(data: Path) -> bool:
    """Tell whether so many files lie below a folder; no more than that are looked at."""
    files = (name for _, _, names in os.walk(data) for name in names)
    return next(islice(files, MANY_FILES - 1, None), None) is not None


def prepare(run: RunFolder, config: RunConfig, *, progress: ProgressSink, **options: Any) -> None:
    """Prepare the images of a run: many in a process of its own, few in this one.

    Args:
        run, config, progress: as `prepare_data` takes them.
        options: the others that it takes.

    Raises:
        TuneError, DataError: what a user can mend.
    """
    if not has_many_files(Path(config.data)):
        prepare_data(run, config, progress=progress, **options)
        return
    context = SpawnContext()
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs, run, config, options))
    process.start()
    theirs.close()
    try:
        _pass_on(ours, progress)
    except EOFError:
        process.join()
        raise TuneError(
            f"{config.data}: the process that prepares the images was ended from outside (exit "
            f"status {process.exitcode}), as for want of memory; the checks that were saved are "
            "not made again"
        ) from None
    finally:
        process.terminate()  # where it has not ended, as after Ctrl-C
        process.join(END_SECONDS)
        process.kill()


def _pass_on(pipe: Connection, progress: ProgressSink, task: Task | None = None) -> None:
    """Pass on what the process says, until it or the task that it is at has ended.

    Raises:
        Exception: what it raised.
        EOFError: it ended without a word.
    """
    while True:
        word, *values = pipe.recv()
        if word == "ended":
            return
        if word == "failed":
            raise values[0]
        if word == "task":
            description, counted = values
            with progress.task(description, counted=counted) as begun:
                _pass_on(pipe, progress, begun)
        elif word == "update" and task is not None:
            task.update(*values)
        elif word == "message":
            progress.message(*values)
        elif word == "warning":
            progress.warning(*values)


class _Piped:
    """A sink of progress at the other end of a pipe."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe, self._said = pipe, 0.0

    def message(self, text: str) -> None:
        self._pipe.send(("message", text))

    def warning(self, text: str) -> None:
        self._pipe.send(("warning", text))

    @contextmanager
    def task(self, description: str, *, counted: bool = False) -> Iterator[Task]:
        self._pipe.send(("task", description, counted))
        try:
            yield self
        finally:
            self._pipe.send(("ended",))

    def update(self, done: float, total: float, description: str | None = None) -> None:
        now = time.monotonic()
        if done == total or now - self._said >= SAID_EVERY:
            self._said = now
            self._pipe.send(("update", done, total, description))


def _work(pipe: Connection, run: RunFolder, config: RunConfig, options: dict[str, Any]) -> None:
    """Prepare the images in this process; say how it ended."""
    mark_own_process()
    signal.signal(signal.SIGTERM, _interrupt)
    for name, _ in config.own_families:
        register_name(name)
    try:
        prepare_data(run, config, progress=_Piped(pipe), **options)
    except KeyboardInterrupt:
        return
    except Exception as error:  # noqa: BLE001 - raised where it is waited for
        with suppress(OSError):  # nobody waits any more
            pipe.send(("failed", error))
    else:
        pipe.send(("ended",))


def _interrupt(number: int, frame: FrameType | None) -> None:
    """End as on Ctrl-C, which this process does not see: what was checked is saved first."""
    raise KeyboardInterrupt
