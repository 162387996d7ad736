"""Ctrl-C, time limits and a full disk as a clean ending: what runs may finish its step."""

import signal
import time
from pathlib import Path
from types import FrameType
from typing import Any

from search.process.disk import RESERVE, free_bytes

LOOK_SECONDS = 5.0  # how often the disk is looked at


class Going:
    """Callable that answers whether to go on; a context manager that catches Ctrl-C and TERM.

    The first signal asks for a clean ending; a second one ends the program at once.

    Args:
        limit: seconds from now after which the answer is no, or None.
        disk: where room is needed to go on, or None.
    """

    def __init__(self, limit: float | None = None, disk: Path | None = None):
        self.deadline = None if limit is None else time.monotonic() + limit
        self.disk = disk
        self.interrupted = False
        self.out_of_disk = False
        self._looked = -LOOK_SECONDS
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        """Whether to go on."""
        return not (self.interrupted or self.out_of_time or self._disk_is_full())

    @property
    def why(self) -> str:
        """Why not to go on."""
        if self.interrupted:
            return "interrupted"
        return "the disk is nearly full" if self.out_of_disk else "time is up"

    def _disk_is_full(self) -> bool:
        now = time.monotonic()
        if self.disk is not None and now - self._looked >= LOOK_SECONDS:
            self._looked = now
            self.out_of_disk = free_bytes(self.disk) < RESERVE
        return self.out_of_disk

    @property
    def out_of_time(self) -> bool:
        """Whether the limit has passed."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def __enter__(self) -> "Going":
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True


def require_going(going: Going) -> None:
    """Raise KeyboardInterrupt if the user asked for an end."""
    if not going():
        raise KeyboardInterrupt
