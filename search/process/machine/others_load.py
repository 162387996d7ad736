"""Measure how much of the processor other programs use, while something is timed."""

import os
import resource
import time
from pathlib import Path

from search.process.wording import in_percent

BUSY = 0.25  # of all cores used by others: what is timed beside them is not to be relied upon
SHORTEST = 0.5  # seconds: the system counts in hundredths
_STAT = Path("/proc/stat")


class OthersLoad:
    """Begins to count when it is made; what this process itself uses is left out."""

    def __init__(self) -> None:
        self.started, self.own = time.perf_counter(), _own_seconds()
        self.busy = _busy_seconds()

    def share(self) -> float | None:
        """The share of all cores that others used since then, 0 to 1.

        None where the system does not tell, or too soon to know.
        """
        now = _busy_seconds()
        wall = time.perf_counter() - self.started
        if self.busy is None or now is None or wall < SHORTEST:
            return None
        others = now - self.busy - (_own_seconds() - self.own)
        return min(max(others / (wall * (os.cpu_count() or 1)), 0.0), 1.0)


def busy_in_words(share: float | None) -> str:
    """Say that times may be too high, where others used more than `BUSY`; else ""."""
    if share is None or share <= BUSY:
        return ""
    return (
        f"other programs used {in_percent(share, 0)} of the cores meanwhile: times may be too high"
    )


def _own_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _busy_seconds() -> float | None:
    """Seconds that all cores together have worked; None where the system does not tell (Linux)."""
    try:
        words = _STAT.read_text().splitlines()[0].split()
        user, nice, system, _, _, interrupts, soft, stolen = map(int, words[1:9])
    except (OSError, IndexError, ValueError):
        return None
    ticks: int = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + interrupts + soft + stolen) / ticks
