"""What the threads of a Ray executor share: the trials that wait, and what is to be told."""

import queue
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from search.executors.ray.events import Event, LostError
from search.executors.ray.files.run_files import RunFiles
from search.executors.ray.files.transfer import Transfer
from search.executors.ray.slot_plan import Settings
from search.executors.ray.waiting import WaitingTrials

PAUSE_SECONDS = 0.5


class DeskThread(threading.Thread):
    """A thread of a Ray executor: what goes wrong in `work` ends the search.

    Args:
        desk: that is told.
        name: of the thread.
    """

    def __init__(self, desk: "Desk", name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.desk = desk

    def run(self) -> None:
        """Work to the end."""
        try:
            self.work()
        except Exception as error:  # noqa: BLE001 - the thread of the search raises it
            self.desk.events.put(error)

    def work(self) -> None:
        """What the thread does."""
        raise NotImplementedError


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
        locks: for what two nodes share.
    """

    ray: ModuleType
    settings: Settings
    token: tuple[Path, str]
    waiting: WaitingTrials = field(default_factory=WaitingTrials)
    events: "queue.Queue[Event]" = field(default_factory=queue.Queue)
    closing: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Begin without files: data may still be prepared."""
        self.transfer = Transfer(self.ray)
        self._files: RunFiles | None = None
        self.locks: defaultdict[object, threading.Lock] = defaultdict(threading.Lock)

    def gather_files(self) -> None:
        """Let nodes have the files of the run, whose data is prepared by now.

        Raises:
            TuneError: one is missing or broken.
        """
        if self._files is None:
            self._files = RunFiles.of(self.settings.run)

    def files(self) -> RunFiles:
        """Wait for the files of the run.

        Raises:
            LostError: the search has ended before.
        """
        while self._files is None:
            self.closing.wait(PAUSE_SECONDS)
            self.require_open()
        if not all(file.path.exists() for file in self._files.pixels):
            # Another search of these photos has prepared more of them, into another file.
            self._files = RunFiles.of(self.settings.run)
        return self._files

    def require_open(self) -> None:
        """Go on unless the search has ended.

        Raises:
            LostError: it has.
        """
        if self.closing.is_set():
            raise LostError

    def answer(self, reference: Any, gone: threading.Event, seconds: float | None = None) -> Any:
        """Wait for an actor's answer; at most so many seconds, or as long as it takes.

        Args:
            reference: of the answer; gone: set when the node is.

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
