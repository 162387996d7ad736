"""Limit the memory of a worker process, and the time of each of its tasks."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pebble import ProcessExpired

# Long: on a busy machine a task may wait ten times as long for a core as it computes.
HANG_SECONDS = 120.0


@dataclass(frozen=True)
class TaskLimits:
    """What a task may take of its worker before the worker is ended.

    Attributes:
        processor_seconds: of all threads of a worker, per task. A busy machine does not use it up.
        hang_seconds: on the clock, per task: ends what sleeps or waits and so uses no processor.
        memory: of a worker in bytes, with all that TensorFlow takes.
    """

    processor_seconds: float = 10.0
    hang_seconds: float = HANG_SECONDS
    memory: int = 3 * 2**30


@dataclass(frozen=True)
class Failure:
    """Why a task gave no result, in the words of a catalog's reason."""

    reason: str


def failure_of(error: TimeoutError | ProcessExpired, limits: TaskLimits) -> Failure:
    """Say why a worker was ended while it ran a task, or ended itself."""
    if isinstance(error, TimeoutError):
        return Failure(f"no answer in {limits.hang_seconds:g} s")
    if hasattr(signal, "SIGPROF") and error.exitcode == -signal.SIGPROF:
        return Failure(f"took over {limits.processor_seconds:g} s of processor time")
    return Failure(f"killed its decoder: exit code {error.exitcode}")


def limit_memory(memory: int) -> None:
    """Limit the memory of this process, in bytes, so that a greedy image is a `MemoryError`."""
    try:
        import resource
    except ImportError:
        return  # This system has no such limit. The limits of time and of file size remain.
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


@contextmanager
def processor_time_limit(seconds: float) -> Iterator[None]:
    """End this process with SIGPROF if the block takes more than `seconds` of processor time.

    The kernel counts the time of all threads and ends the process itself, so that this also
    holds inside a native decoder, which would not return to Python for a signal handler.
    `RLIMIT_CPU` would do the same, but counts whole seconds from the start of the process.
    """
    if not hasattr(signal, "setitimer"):
        yield  # This system has no such timer. The limit on the clock remains.
        return
    # A program that started this one may have had the signal ignored, which is inherited.
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
