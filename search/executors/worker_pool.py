"""Run trials in worker processes, so that a crash costs one trial and not the search.

A worker imports TensorFlow once, takes trials over a pipe, and answers with progress and, in
the end, a result. It is replaced when it dies, when nothing is heard of it for too
long, or when it has grown past its share of the machine's memory.
"""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any

from data_pipeline.processes.contexts import SpawnContext
from search.errors import TuneError
from search.executors.worker_main import work
from search.process.stop_signal import StopSignal
from search.run_folder.paths import RunFolder
from search.run_folder.records import FAILED, HUNG, KILLED, MEMORY, STOPPED, TrialResult
from search.trial.messages import Progress, Report, TrialTask

TICK_SECONDS = 0.5  # how often the driver asks whether to go on, when nothing else happens
START_SECONDS = 180.0  # a worker may take this long to import TensorFlow and load the run
GRACE_SECONDS = 2.0  # after being told to stop, before it is ended: nothing more would be saved
END_SECONDS = 1.0  # in which a worker ends by itself at the end


@dataclass(frozen=True)
class WorkerLimits:
    """When a worker is given up.

    Attributes:
        silence: seconds without a word, after which a trial counts as hung.
        memory: bytes of resident memory; a worker past it is replaced after its trial.
    """

    silence: float = 600.0
    memory: int = 4 << 30


class Workers:
    """The executor for real searches; one trial per worker at a time.

    A trial that kills its worker is known by that. If the driver dies too, something else is
    more likely the cause, and the trial is given many more starts.

    Args:
        run: folder from which each worker loads the experiment.
        devices: for each worker the GPU it sees, or None for the processor.
        target: what a worker process runs (tests give their own).
    """

    def __init__(
        self,
        run: RunFolder,
        *,
        devices: list[str | None],
        limits: WorkerLimits,
        target: Callable[..., None] | None = None,
    ):
        self.slots = len(devices)
        self.max_starts = 20
        self.limits = limits
        share = len(devices)
        self._workers = [WorkerProcess(run, device, share, target or work) for device in devices]

    def __enter__(self) -> "Workers":
        for worker in self._workers:
            worker.launch()  # they load TensorFlow while the driver still prepares
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()

    def start(self, task: TrialTask) -> None:
        """Give the trial to an idle worker."""
        next(worker for worker in self._workers if worker.task is None).give(task)

    def wait(self, report: Report, stop: StopSignal) -> tuple[str, TrialResult]:
        """Block until a trial ends, well or badly."""
        while True:
            busy = [worker for worker in self._workers if worker.task is not None]
            wait([worker.pipe for worker in busy], timeout=TICK_SECONDS)
            if stop.requested:
                for worker in busy:
                    worker.ask_to_stop()
            for worker in busy:
                if ended := worker.listen(report, self.limits):
                    if ended[1].failure == MEMORY:
                        self._free(worker.device)
                    return ended

    def _free(self, device: str | None) -> None:
        """End the idle workers on a GPU that ran out of memory: TensorFlow gives none back."""
        for worker in self._workers:
            if worker.device is not None and worker.device == device and worker.task is None:
                worker.end()


class WorkerProcess:
    """One process and what the driver knows of it."""

    def __init__(self, run: RunFolder, device: str | None, share: int, target: Callable[..., None]):
        self.run, self.device, self.share, self.target = run, device, share, target
        self.task: TrialTask | None = None
        self.process: Any = None

    def launch(self) -> None:
        """Start the process; it answers nothing until it is given a trial."""
        # Not "fork": a copy of this process would lack the threads that TensorFlow runs here.
        context = SpawnContext()
        self.pipe, worker_end = context.Pipe()
        self.stop = context.Event()
        self.process = context.Process(
            target=self.target,
            args=(self.run.path, self.device, self.share, worker_end, self.stop),
            name="tune-worker",
        )
        self.process.start()
        # With a copy open here, the end of the worker would not show as the end of its pipe.
        worker_end.close()
        self.ready = False

    def give(self, task: TrialTask) -> None:
        """Hand over a trial, to a new process where the old one is gone."""
        if self.process is None or not self.process.is_alive():
            self.launch()
        self.stop.clear()
        self.stopped_at: float | None = None
        self.task, self.started, self.heard = task, time.monotonic(), time.monotonic()
        try:
            self.pipe.send(task)
        except OSError:
            self.process.kill()  # listen() reports it as killed

    def ask_to_stop(self) -> None:
        """Let the trial end at its next step; what is checkpointed is kept."""
        self.stop.set()
        if self.stopped_at is None:
            self.stopped_at = time.monotonic()

    def listen(self, report: Report, limits: WorkerLimits) -> tuple[str, TrialResult] | None:
        """Take in what the worker said; (trial, result) if its trial has ended."""
        try:
            while self.pipe.poll():
                message = self.pipe.recv()
                self.heard, self.ready = time.monotonic(), True
                if isinstance(message, Progress):
                    if not report(message):
                        self.ask_to_stop()
                elif isinstance(message, OSError | TuneError):
                    raise message
                elif message is not None:
                    return self._ended(message[0], grown=message[1] > limits.memory)
        except (EOFError, ConnectionError):
            return self._died()
        silence = limits.silence if self.ready else max(limits.silence, START_SECONDS)
        if time.monotonic() - self.heard > silence:
            return self._gave_up(f"nothing was heard of it for {silence:.0f} s", HUNG)
        if self.stopped_at and time.monotonic() - self.stopped_at > GRACE_SECONDS:
            return self._gave_up("", "")
        return None

    def _ended(self, result: TrialResult, *, grown: bool) -> tuple[str, TrialResult]:
        trial_id = self._idle()
        if grown:
            self.end()
        return trial_id, result

    def _idle(self) -> str:
        """Be without a trial again; the id of the one that it had."""
        task, self.task = self.task, None
        if task is None:
            raise RuntimeError("a worker without a trial was waited for")
        return task.spec.trial_id

    def _died(self) -> tuple[str, TrialResult]:
        """The process is gone: the trial, as far as the driver knows, killed it."""
        self.process.join(GRACE_SECONDS)
        code = self.process.exitcode
        reason = f"its worker ended with exit status {code}"
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            hint = ", as the system does when memory runs out" if name == "SIGKILL" else ""
            reason = f"its worker was killed by {name}{hint}"
        return self._gave_up(reason, KILLED)

    def _gave_up(self, reason: str, failure: str) -> tuple[str, TrialResult]:
        trial_id = self._idle()
        self.process.kill()
        self.process.join()
        self.process = None
        self.pipe.close()
        status = FAILED if failure else STOPPED
        spent = round(time.monotonic() - self.started, 3)
        return trial_id, TrialResult(status=status, failure=failure, reason=reason, seconds=spent)

    def end(self) -> None:
        """Close the pipe, at which the worker ends by itself; kill it if it does not."""
        if self.process is None:
            return
        self.pipe.close()
        self.process.join(END_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process = None
