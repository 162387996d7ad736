"""End a search cleanly after Ctrl-C, at a time limit, or when the disk is nearly full."""

import math
import signal
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

from search.process.machine.disk import RESERVE_BYTES, free_bytes
from search.process.printable import printable

SAID = "said"  # the argument of a KeyboardInterrupt of which the user has been told
MOST_KEPT_BACK = 0.5  # of the time limit
DISK_CHECK_SECONDS = 5.0  # between two looks at the disk, each of which is a system call


class StopSignal:
    """Whether to stop, for whoever asks; a context manager that catches Ctrl-C and SIGTERM.

    The first signal asks for a clean ending; a second one ends the program at once. So does the
    first where nobody asks yet.

    Args:
        limit: seconds from now after which to stop, or None.
        disks: paths on the disks that must keep room.
        asked: whether somebody asks `requested` every few seconds already; may be set later.

    Attributes:
        limit: as given; infinite where there is none.
        interrupted: whether Ctrl-C or SIGTERM came.
        full_disk: which disk is nearly full, and how much it lacks; "" for none.
    """

    def __init__(
        self, limit: float | None = None, disks: Iterable[Path] = (), *, asked: bool = True
    ):
        self.asked = asked
        self._deadline = None if limit is None else time.monotonic() + limit
        self.limit, self._kept_back = math.inf if limit is None else limit, 0.0
        self._disks = tuple(disks)
        self.interrupted = self._time_is_up = False
        self.full_disk = ""
        self._looked = -DISK_CHECK_SECONDS
        self._before: dict[int, Any] = {}

    def keep_back(self, seconds: float) -> None:
        """Stop so long before the time limit, for what is to come after; half of it at most."""
        self._kept_back = min(seconds, MOST_KEPT_BACK * self.limit)

    def seconds_left(self) -> float:
        """Until the time is up, less what is kept back; infinite without a limit."""
        if self._deadline is None:
            return math.inf
        return self._deadline - self._kept_back - time.monotonic()

    def seconds_to_limit(self) -> float | None:
        """Until the time is up, what is kept back included; None without a limit."""
        return None if self._deadline is None else max(self._deadline - time.monotonic(), 0.0)

    @property
    def requested(self) -> bool:
        """Whether to stop, from then on for ever; cheap enough to be asked at every step."""
        return self.interrupted or self._out_of_time() or self._out_of_disk()

    @property
    def reason(self) -> str:
        """Why to stop, where that is requested."""
        if self.interrupted:
            return "interrupted"
        if self.full_disk:
            return self.full_disk
        early = self._deadline is not None and time.monotonic() < self._deadline
        return "the rest of the time is for the export" if early else "time is up"

    def raise_if_requested(self) -> None:
        """Raise KeyboardInterrupt if a stop is requested."""
        if self.requested:
            raise KeyboardInterrupt

    def _out_of_time(self) -> bool:
        # Who was stopped would be left behind, were the search to go on as less is kept back.
        self._time_is_up = self._time_is_up or self.seconds_left() <= 0
        return self._time_is_up

    def _out_of_disk(self) -> bool:
        now = time.monotonic()
        if self._disks and now - self._looked >= DISK_CHECK_SECONDS:
            self._looked = now
            self.full_disk = self.full_disk or next(filter(None, map(_lack, self._disks)), "")
        return bool(self.full_disk)

    def __enter__(self) -> "StopSignal":
        # Elsewhere than in the main thread Python refuses it.
        main = threading.current_thread() is threading.main_thread()
        for number in (signal.SIGINT, signal.SIGTERM) if main else ():
            self._before[number] = signal.signal(number, self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        before, self.interrupted = self.interrupted, True
        if before or not self.asked:
            raise KeyboardInterrupt


def _lack(path: Path) -> str:
    """What a nearly full disk lacks, in words; "" where it has room."""
    free = free_bytes(path)
    if free >= RESERVE_BYTES:
        return ""
    return (
        f"the disk of {printable(path)} is nearly full: {free / 2**20:,.0f} MiB are free, and "
        f"{RESERVE_BYTES / 2**20:,.0f} MiB must be, so that everything can still be saved"
    )
