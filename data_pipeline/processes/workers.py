"""Run a function on many tasks in worker processes that may hang or die."""

import importlib
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from typing import Generic, TypeVar
from weakref import WeakSet

from pebble import ProcessExpired, ProcessPool

from data_pipeline.errors import DataError
from data_pipeline.processes.contexts import deaf_to_interrupts, pool_context
from data_pipeline.processes.cores import cores
from data_pipeline.processes.limits import (
    Failure,
    TaskLimits,
    failure_of,
    limit_memory,
    processor_time_limit,
)

Task = TypeVar("Task")
Result = TypeVar("Result")

DEFAULT_LIMITS = TaskLimits()
DEFAULT_CHUNK = 16
# Modules that workers start with. What the server has imported, each worker has as well.
WITH_TENSORFLOW = "data_pipeline.processes.preload_decoders"
WITH_PILLOW = "data_pipeline.decoding.preload_pillow"
MAX_BROKEN_POOLS = 3


@dataclass
class _Server:
    """The server process; `preload` is the module that it has imported, "" before it is started."""

    preload: str = ""


_server = _Server()
_open_pools: "WeakSet[ProcessPool]" = WeakSet()


def run_in_workers(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    workers: int | None = None,
    limits: TaskLimits = DEFAULT_LIMITS,
    chunk: int = DEFAULT_CHUNK,
    preload: str = WITH_TENSORFLOW,
) -> Iterator[tuple[Task, Result | Failure]]:
    """Run `function` on every task in processes that may die, and yield results as they come.

    Tasks are sent in chunks, to save messages between processes. When a chunk fails, its tasks
    are run again one at a time, to find the one that fails. So `function` may be run twice on
    the same task.

    Args:
        function: a function of a module, but not of the main one, which workers do not import.
            What it raises ends the whole run.
        tasks: small values that can be pickled. Slices of them are taken one after the other, so
            that they need not be in memory at the same time.
        workers: processes; None for one per core.
        limits: what a task may take before it counts as failed.
        chunk: tasks that are sent together at most; 1 where results are large.
        preload: the module that workers start with.

    Raises:
        ValueError: the function is one of the main module.
        DataError: workers cannot be started.
    """
    if function.__module__ == "__main__":
        raise ValueError(f"{function.__name__}: put it into a module that workers can import")
    run = _Run(function, tasks, workers or cores(), limits, chunk, preload)
    for _ in range(MAX_BROKEN_POOLS):
        try:
            yield from run.results()
        except BrokenProcessPool:
            continue  # A worker died between two tasks: all that is not done is still queued.
        return
    raise DataError(
        f"the processes that decode images die at once; expected them to import {preload} "
        f"within {limits.memory / 2**30:.1f} GiB; check the installation and the free memory"
    )


class _Run(Generic[Task, Result]):
    """The chunks that are still to do. They outlive a broken pool: the next one goes on."""

    def __init__(
        self,
        function: Callable[[Task], Result],
        tasks: Sequence[Task],
        workers: int,
        limits: TaskLimits,
        chunk: int,
        preload: str,
    ) -> None:
        self.function = function
        self.workers = max(1, min(workers, len(tasks)))
        self.limits = limits
        self.preload = preload
        self.chunks = _chunks(tasks, self.workers, chunk)
        self.waiting: deque[Sequence[Task]] = deque()
        self.running: dict[Future, Sequence[Task]] = {}

    def results(self) -> Iterator[tuple[Task, Result | Failure]]:
        pool = new_pool(self.workers, self.limits.memory, self.preload)
        try:
            while self._is_waiting() or self.running:
                self._feed(pool)
                for future in wait(self.running, return_when=FIRST_COMPLETED).done:
                    yield from self._collect(future)
        finally:
            self.waiting.extend(self.running.values())
            self.running.clear()
            end_pool(pool)

    def _is_waiting(self) -> bool:
        """Whether a chunk is to be done. The next one is cut from the tasks only now."""
        if not self.waiting:
            self.waiting.extend(islice(self.chunks, 1))
        return bool(self.waiting)

    def _feed(self, pool: ProcessPool) -> None:
        # Only a few chunks ahead: memory does not grow with the number of files.
        while len(self.running) < 3 * self.workers and self._is_waiting():
            chunk = self.waiting[0]
            # On the clock a whole chunk has no more time than one task: if slow but honest
            # tasks exceed it together, they only get a second try, one at a time.
            self.running[schedule(pool, self.function, chunk, self.limits)] = chunk
            self.waiting.popleft()  # not before: a pool that breaks here must not take it along

    def _collect(self, future: Future) -> Iterator[tuple[Task, Result | Failure]]:
        # Raised before the chunk leaves `running`: it has not failed, the next pool does it.
        if isinstance(future.exception(), BrokenProcessPool):
            future.result()
        chunk = self.running.pop(future)
        try:
            yield from zip(chunk, future.result(), strict=True)
        except (TimeoutError, ProcessExpired) as error:
            if len(chunk) == 1:
                yield chunk[0], failure_of(error, self.limits)
            else:
                self.waiting.extendleft([task] for task in reversed(chunk))


def new_pool(workers: int, memory: int, preload: str) -> ProcessPool:
    """Start workers, each with `memory` bytes at most and with the module `preload` imported."""
    pool = ProcessPool(
        workers, initializer=_set_up, initargs=(memory, preload), context=server_context(preload)
    )
    _open_pools.add(pool)
    return pool


def end_pool(pool: ProcessPool) -> None:
    """End the workers of a pool, whatever they are doing."""
    pool.stop()  # type: ignore[no-untyped-call]
    pool.join()
    _open_pools.discard(pool)


def schedule(
    pool: ProcessPool,
    function: Callable[[Task], Result],
    chunk: Sequence[Task],
    limits: TaskLimits,
) -> Future[list[Result]]:
    """Hand a chunk of tasks to a pool, each limited in processor time, all of them on the clock.

    Raises:
        RuntimeError: the pool is broken or was ended.
    """
    arguments = (function, chunk, limits.processor_seconds)
    return pool.schedule(_run_chunk, arguments, timeout=limits.hang_seconds)


def start_server(preload: str) -> None:
    """Start the process that workers are forked from, and return before it is ready."""
    if server_context(preload).get_start_method() == "forkserver":
        with deaf_to_interrupts():
            forkserver.ensure_running()


def _chunks(tasks: Sequence[Task], workers: int, most: int) -> Iterator[Sequence[Task]]:
    """Cut tasks into chunks, small enough that a few files still occupy every worker."""
    size = max(1, min(most, len(tasks) // (2 * workers)))
    return (tasks[start : start + size] for start in range(0, len(tasks), size))


def _run_chunk(
    function: Callable[[Task], Result], chunk: Sequence[Task], processor_seconds: float
) -> list[Result]:  # in a worker
    results = []
    for task in chunk:
        with processor_time_limit(processor_seconds):
            results.append(function(task))
    return results


def _set_up(memory: int, preload: str) -> None:  # in a worker
    """Make a worker quiet and limit its memory."""
    importlib.import_module(preload)  # There already after a fork, but not in a spawned worker.
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    os.close(silence)
    limit_memory(memory)


def server_context(preload: str) -> BaseContext:
    """Fork workers from a server that has imported `preload`, so that replacing one is fast.

    There is one server. What was started without TensorFlow gives way where that is wanted and no
    worker of it is left: each worker would import it by itself, which takes seconds.
    """
    # Never forked from this process: the threads that TensorFlow has here would be missing in
    # the worker, and the locks that they held would stay locked.
    context = pool_context()
    if context.get_start_method() == "forkserver":
        if preload == WITH_TENSORFLOW != _server.preload and not _open_pools:
            # What multiprocessing's own tests do; it is started again when it is needed.
            forkserver._forkserver._stop()  # type: ignore[attr-defined]  # noqa: SLF001
            _server.preload = ""
        _server.preload = _server.preload or preload
        context.set_forkserver_preload([_server.preload])
    return context
