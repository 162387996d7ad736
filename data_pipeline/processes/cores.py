"""Count processor cores."""

import os
from dataclasses import dataclass


@dataclass
class _Sharing:
    """Processes that share the cores, this one among them."""

    processes: int = 1


_sharing = _Sharing()


def cores() -> int:
    """Count the processor cores that this process may use, which may be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def share_with(processes: int) -> None:
    """Count on a share of the cores, as one of so many processes."""
    _sharing.processes = max(1, processes)


def own_cores() -> int:
    """Count the cores that are this process's share, at least one."""
    return max(1, cores() // _sharing.processes)
