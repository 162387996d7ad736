"""Ctrl-C and time limits as a clean ending: what runs is asked to stop, and may finish a step."""

import signal
import time
from types import FrameType
from typing import Any


class Going:
    """Callable that answers whether to go on; a context manager that catches Ctrl-C and TERM.

    The first signal asks for a clean ending; a second one ends the program at once.

    Args:
        limit: seconds from now after which the answer is no, or None.
    """

    def __init__(self, limit: float | None = None):
        self.deadline = None if limit is None else time.monotonic() + limit
        self.interrupted = False
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        """Whether to go on."""
        return not self.interrupted and not self.out_of_time

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
