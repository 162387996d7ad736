"""Start processes that do not run the main program again.

A new process imports the main module of the one that starts it. A script that searches without
`if __name__ == "__main__"` would then begin its search once more in each worker. So it is hidden
while a worker is started: what workers run stands in other modules.
"""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import context, resource_tracker

_LOCK = threading.Lock()  # pools start processes in threads


@contextmanager
def without_main() -> Iterator[None]:
    """Hide where the main module is from processes that are started meanwhile."""
    main = sys.modules["__main__"]
    with _LOCK:
        names = [name for name in ("__file__", "__spec__") if hasattr(main, name)]
        hidden = {name: getattr(main, name) for name in names}
        for name in hidden:
            setattr(main, name, None)
        try:
            yield
        finally:
            for name, value in hidden.items():
                setattr(main, name, value)


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Start processes meanwhile that never see Ctrl-C, which a terminal sends to all of a group.

    Who started them ends them. A signal that is blocked here is blocked there from the first
    instruction on: one that came while they import would show a traceback, or end the server that
    workers are forked from.
    """
    resource_tracker.ensure_running()  # that would be started meanwhile, and let the signal through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _WithoutMain:
    """Comes before a process of `multiprocessing` among the bases of one of ours."""

    def start(self) -> None:
        with without_main(), deaf_to_interrupts():
            super().start()  # type: ignore[misc]


class SpawnProcess(_WithoutMain, context.SpawnProcess):
    """A process of its own."""


class SpawnContext(context.SpawnContext):
    """`multiprocessing.get_context("spawn")`, whose processes do not import the main module."""

    Process = SpawnProcess


if hasattr(context, "ForkServerContext"):  # not on Windows

    class ForkServerProcess(_WithoutMain, context.ForkServerProcess):
        """A process that is forked from a server."""

    class ForkServerContext(context.ForkServerContext):
        """The same of `multiprocessing.get_context("forkserver")`."""

        Process = ForkServerProcess


def pool_context() -> context.BaseContext:
    """The context of pools: processes forked from a server, where there is one."""
    return ForkServerContext() if hasattr(context, "ForkServerContext") else SpawnContext()
