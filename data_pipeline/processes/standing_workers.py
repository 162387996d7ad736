"""Run tasks that come one by one, from any thread, in workers that may die of them."""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from concurrent.futures.process import BrokenProcessPool

from pebble import ProcessExpired, ProcessPool

from data_pipeline.errors import DataError
from data_pipeline.processes.cores import cores
from data_pipeline.processes.limits import Failure, TaskLimits, failure_of
from data_pipeline.processes.workers import (
    DEFAULT_LIMITS,
    MAX_BROKEN_POOLS,
    WITH_TENSORFLOW,
    Result,
    Task,
    end_pool,
    new_pool,
    schedule,
)


class StandingWorkers:
    """Workers that run one task each for the threads that ask, and are replaced when they die.

    Args:
        workers: processes; None for one per core.
        limits: what a task may take before it counts as failed.
        preload: the module that workers start with.
    """

    def __init__(
        self,
        *,
        workers: int | None = None,
        limits: TaskLimits = DEFAULT_LIMITS,
        preload: str = WITH_TENSORFLOW,
    ) -> None:
        self._workers = workers or cores()
        self._limits = limits
        self._preload = preload
        self._lock = threading.Lock()
        self._closed = False
        self._running: set[Future] = set()
        self._pool = self._new_pool()

    def run(self, function: Callable[[Task], Result], task: Task) -> Result | Failure:
        """Run `function` on `task` as soon as a worker is free, and wait for the result.

        Args:
            function: a function of a module, so that it can be pickled. It may be run twice.
            task: a small value that can be pickled.

        Raises:
            DataError: workers cannot be started, or `close` was called.
        """
        for _ in range(MAX_BROKEN_POOLS):
            pool, future = self._schedule(function, task)
            try:
                return future.result()[0]
            except (TimeoutError, ProcessExpired) as error:
                return failure_of(error, self._limits)
            except (BrokenProcessPool, CancelledError):
                self._replace(pool)  # A worker died between two tasks, which breaks the pool.
            finally:
                self._running.discard(future)
        raise DataError("the processes that decode images die at once; check the free memory")

    def close(self) -> None:
        """End the workers, whatever they are doing."""
        with self._lock:
            self._closed = True
            self._end()

    def _schedule(
        self, function: Callable[[Task], Result], task: Task
    ) -> tuple[ProcessPool, Future[list[Result]]]:
        with self._lock:
            if self._closed:
                raise DataError("the processes that decode images were ended")
            try:
                future = schedule(self._pool, function, [task], self._limits)
            except RuntimeError:  # The pool broke while it had nothing to do.
                self._end()
                self._pool = self._new_pool()
                future = schedule(self._pool, function, [task], self._limits)
            self._running.add(future)
            return self._pool, future

    def _replace(self, pool: ProcessPool) -> None:
        with self._lock:
            if self._pool is pool and not self._closed:
                self._end()
                self._pool = self._new_pool()

    def _end(self) -> None:
        # The pool does not end the futures of tasks that it has not begun: a thread that waits
        # for one would wait for ever.
        for future in tuple(self._running):
            future.cancel()
        end_pool(self._pool)

    def _new_pool(self) -> ProcessPool:
        return new_pool(self._workers, self._limits.memory, self._preload)
