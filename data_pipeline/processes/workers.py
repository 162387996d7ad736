"""Many files that may hang or kill the process that reads them, worked on in others."""

import importlib
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from typing import Generic, TypeVar

from pebble import ProcessExpired, ProcessPool

from data_pipeline.errors import DataError

Task = TypeVar("Task")
Result = TypeVar("Result")

DEFAULT_SECONDS = 10.0
DEFAULT_MEMORY = 3 * 2**30
DEFAULT_CHUNK = 16
# Modules that workers start with: what is imported in the server is there in each of them.
WITH_TENSORFLOW = "data_pipeline.processes.preload_decoders"
WITH_PILLOW = "data_pipeline.catalog.decode"
MAX_BROKEN_POOLS = 3


@dataclass(frozen=True)
class Failure:
    """What a task did to its worker, in the words of a catalog's reason."""

    reason: str


def run_in_workers(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    workers: int | None = None,
    seconds: float = DEFAULT_SECONDS,
    memory: int = DEFAULT_MEMORY,
    chunk: int = DEFAULT_CHUNK,
    preload: str = WITH_TENSORFLOW,
) -> Iterator[tuple[Task, Result | Failure]]:
    """Run `function` on every task in processes that may die, and yield results as they come.

    Tasks travel in chunks. When a chunk fails, its tasks are run again one at a time, and
    the one that fails alone is the culprit: `function` must bear to be run twice.

    Args:
        function: a module's function, raising nothing but what should end the whole run.
        tasks: small, picklable values.
        workers: processes; None for one a core.
        seconds: a task's limit.
        memory: a worker's limit in bytes, with all that TensorFlow takes.
        chunk: tasks that travel together at most; 1 where results are large.
        preload: the module that workers start with.

    Raises:
        DataError: workers cannot be started.
    """
    run = _Run(function, tasks, workers or cores(), seconds, memory, chunk, preload)
    for _ in range(MAX_BROKEN_POOLS):
        try:
            yield from run.results()
        except BrokenProcessPool:
            continue  # A worker died between two tasks: what it had not begun is still queued.
        return
    raise DataError(
        f"the processes that decode images die at once; expected them to import {preload} "
        f"within {memory / 2**30:.1f} GiB; check the installation and the free memory"
    )


class _Run(Generic[Task, Result]):
    """The chunks still to do, whatever becomes of the pool that does them."""

    def __init__(
        self,
        function: Callable[[Task], Result],
        tasks: Sequence[Task],
        workers: int,
        seconds: float,
        memory: int,
        chunk: int,
        preload: str,
    ) -> None:
        self.function = function
        self.workers = max(1, min(workers, len(tasks)))
        self.seconds = seconds
        self.set_up = (memory, preload)
        self.waiting = deque(_chunks(tasks, self.workers, chunk))
        self.running: dict[Future, Sequence[Task]] = {}

    def results(self) -> Iterator[tuple[Task, Result | Failure]]:
        pool = new_pool(self.workers, *self.set_up)
        try:
            while self.waiting or self.running:
                self._feed(pool)
                for future in wait(self.running, return_when=FIRST_COMPLETED).done:
                    yield from self._collect(future)
        finally:
            self.waiting.extend(self.running.values())
            self.running.clear()
            end_pool(pool)

    def _feed(self, pool: ProcessPool) -> None:
        # A few chunks ahead and no more: memory stays flat however many files there are.
        while self.waiting and len(self.running) < 3 * self.workers:
            chunk = self.waiting.popleft()
            # A chunk of slow but honest files only costs its tasks a second, single try.
            limit = self.seconds * (1 if len(chunk) == 1 else 2)
            future = pool.schedule(_run_chunk, (self.function, chunk), timeout=limit)
            self.running[future] = chunk

    def _collect(self, future: Future) -> Iterator[tuple[Task, Result | Failure]]:
        if isinstance(future.exception(), BrokenProcessPool):
            future.result()
        chunk = self.running.pop(future)
        try:
            yield from zip(chunk, future.result(), strict=True)
        except (TimeoutError, ProcessExpired) as error:
            if len(chunk) == 1:
                yield chunk[0], failure_of(error, self.seconds)
            else:
                self.waiting.extendleft([task] for task in reversed(chunk))


def new_pool(workers: int, memory: int, preload: str) -> ProcessPool:
    """Processes with a limit in bytes each, that start with the module `preload`."""
    return ProcessPool(
        workers, initializer=_set_up, initargs=(memory, preload), context=_context(preload)
    )


def end_pool(pool: ProcessPool) -> None:
    """End its processes, whatever they do."""
    pool.stop()  # type: ignore[no-untyped-call]
    pool.join()


def failure_of(error: TimeoutError | ProcessExpired, seconds: float) -> Failure:
    """What became of a task that took over `seconds` or its worker down."""
    if isinstance(error, TimeoutError):
        return Failure(f"took over {seconds:g} s")
    return Failure(f"killed its decoder: exit code {error.exitcode}")


def start_server(preload: str) -> None:
    """Start the process that workers are forked from, while the caller does something else."""
    if _context(preload).get_start_method() == "forkserver":
        forkserver.ensure_running()


def _chunks(tasks: Sequence[Task], workers: int, most: int) -> Iterator[Sequence[Task]]:
    """Small enough that a few files still occupy every worker."""
    size = max(1, min(most, len(tasks) // (2 * workers)))
    return (tasks[start : start + size] for start in range(0, len(tasks), size))


def _run_chunk(
    function: Callable[[Task], Result], chunk: Sequence[Task]
) -> list[Result]:  # in a worker
    return [function(task) for task in chunk]


def _set_up(memory: int, preload: str) -> None:  # in a worker
    """Silence, one thread, bounded memory."""
    importlib.import_module(preload)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    os.close(silence)
    try:
        import resource
    except ImportError:
        return  # No such limit on this system; the time limit and the size limit remain.
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _context(preload: str) -> BaseContext:
    """Workers forked from a server that has the imports: a dead one is replaced in no time."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([preload])
    return context


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
