"""What the threads of a Ray executor share: the trials that wait, and what is to be told."""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from search.executors.ray.run_files import RunFiles
from search.executors.ray.transfer import Transfer
from search.executors.worker_main import work
from search.run_folder.paths import RunFolder
from search.run_folder.records import TrialResult
from search.trial.messages import Progress, TrialTask

PAUSE_SECONDS = 0.5


class LostError(Exception):
    """The node is gone, or the search has ended."""


@dataclass(eq=False)
class Assignment:
    """A trial that is to be run, on whichever slot takes it.

    Attributes:
        task: the trial.
        stop: whether it is to end at its next step.
        lost: slots that it has lost since its last training state came back.
    """

    task: TrialTask
    stop: bool = False
    lost: int = 0

    @property
    def trial_id(self) -> str:
        """Its trial."""
        return self.task.spec.trial_id


@dataclass(frozen=True)
class Told:
    """A trial has reported."""

    progress: Progress


@dataclass(frozen=True)
class Ended:
    """A trial has ended, well or badly; its files are here."""

    assignment: Assignment
    result: TrialResult


@dataclass(frozen=True)
class Lost:
    """A slot is gone, but for no fault of the trial that it had taken."""

    assignment: Assignment


@dataclass(frozen=True)
class Said:
    """Something is to be said to the user, who must do something where it is a warning."""

    words: str
    warning: bool = False


@dataclass(frozen=True)
class Grown:
    """There are more slots than before."""


Event = Told | Ended | Lost | Said | Grown | Exception


@dataclass(frozen=True)
class Settings:
    """What every node is told.

    Attributes:
        run: whose trials are run.
        name: of this search on the nodes; no other search has it.
        per_node: slots of each node; None for one per GPU, or one.
        ours: whether this Ray was started here, for these slots alone.
        silence: seconds without a word, after which a trial counts as hung.
        memory_share: of a machine's memory, for its slots together.
        target: what worker processes run (tests give their own).
    """

    run: RunFolder
    name: str
    per_node: int | None
    ours: bool
    silence: float
    memory_share: float
    target: Callable[..., None] = work


@dataclass
class Desk:
    """Safe to be used by several threads.

    Attributes:
        ray: the module, connected.
        settings: of the search.
        token: a file that tells which nodes see the disk with the prepared images, and its content.
        waiting: trials that no slot has taken yet.
        events: what has happened, for the thread of the search.
        closing: set when the search ends.
    """

    ray: ModuleType
    settings: Settings
    token: tuple[Path, str]
    waiting: "queue.Queue[Assignment]" = field(default_factory=queue.Queue)
    events: "queue.Queue[Event]" = field(default_factory=queue.Queue)
    closing: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Begin without files: the data of the run may still be prepared."""
        self.transfer = Transfer(self.ray)
        self._files: RunFiles | None = None
        self._there = threading.Event()
        self._locks: dict[object, threading.Lock] = {}

    def gather_files(self) -> None:
        """Let nodes have the files of the run, whose data is prepared by now.

        Raises:
            TuneError: one is missing or broken.
        """
        if self._files is None:
            self._files = RunFiles.of(self.settings.run)
            self._there.set()

    def files(self) -> RunFiles:
        """Wait for the files of the run.

        Raises:
            LostError: the search has ended before.
        """
        while not self._there.wait(PAUSE_SECONDS):
            self.require_open()
        if self._files is None:
            raise LostError
        return self._files

    def lock(self, key: object) -> threading.Lock:
        """A lock for what two nodes share."""
        return self._locks.setdefault(key, threading.Lock())

    def require_open(self) -> None:
        """Go on unless the search has ended.

        Raises:
            LostError: it has.
        """
        if self.closing.is_set():
            raise LostError

    def answer(self, reference: Any, gone: threading.Event, seconds: float | None = None) -> Any:
        """Wait for what an actor answers.

        Args:
            reference: of the answer.
            gone: set when the node is.
            seconds: to wait at most; None for as long as it takes.

        Raises:
            LostError: the node is gone, or the search has ended.
            RayError: the actor is gone, or does not answer in time.
        """
        waited = 0.0
        while True:
            try:
                return self.ray.get(reference, timeout=PAUSE_SECONDS)
            except self.ray.exceptions.GetTimeoutError:
                waited += PAUSE_SECONDS
                self.require_open()
                if gone.is_set():
                    raise LostError from None
                if seconds is not None and waited >= seconds:
                    raise
