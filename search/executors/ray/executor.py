"""Run trials on a Ray cluster whose machines may come and go: `tune run --cluster`.

The search, its records and its retries stay here. Of Ray it takes actors and the object store:

    this thread     asks for trials (`start`) and takes what comes back (`wait`)
    a thread        looks which nodes there are
    one per node    starts actors there, and sends what the node lacks        (`node.py`)
    one per slot    gives trials to an actor, and fetches what it has written (`slot.py`)

A trial whose node is lost goes on elsewhere from the training state that came back last. That is
not counted as a failure of its configuration, unless it happens again and again.
"""

import queue
import secrets
import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from data_pipeline.atomic_files import write_bytes
from search.executors.ray.address import ClusterAddress
from search.executors.ray.connection import connected
from search.executors.ray.desk import Desk
from search.executors.ray.events import Assignment, Ended, Event, Grown, Lost, Said, Told
from search.executors.ray.files.pieces import ARRIVING
from search.executors.ray.membership import Membership
from search.executors.ray.slot_plan import Settings
from search.executors.worker_pool import GRACE_SECONDS, TICK_SECONDS
from search.process.progress import ProgressSink
from search.process.stop_signal import StopSignal
from search.run_folder.paths import RunFolder
from search.run_folder.records import FAILED, KILLED, MEMORY, STOPPED, TrialResult
from search.trial.messages import Report, TrialTask

MOST_LOST = 20  # slots that a trial may lose in a row before it is what kills them
STOP_SECONDS = GRACE_SECONDS + 10.0  # in which what was told to stop is heard of


def on_cluster(
    run: RunFolder,
    address: ClusterAddress,
    *,
    workers: int | None,
    trials_per_gpu: int,
    silence: float,
    memory_share: float,
    cache_dir: Path,
    progress: ProgressSink,
) -> AbstractContextManager["RayExecutor"]:
    """Make the executor of a run.

    Args:
        run: whose trials are run.
        address: of the cluster.
        workers: trials at once on each machine; None for `trials_per_gpu` on each GPU, or
            one.
        trials_per_gpu: trials at once on each GPU.
        silence: seconds without a word, after which a trial counts as hung.
        memory_share: of a machine's memory, for its trials together.
        cache_dir: where prepared images lie.
        progress: told which machines join and are lost.
    """
    settings = Settings(
        run=run,
        name=f"{run.name}-{secrets.token_hex(4)}",
        per_node=address.slots or workers,
        per_gpu=trials_per_gpu,
        ours=address.slots is not None,
        silence=silence,
        memory_share=memory_share,
    )
    return RayExecutor(address, settings, cache_dir=cache_dir, progress=progress)


class RayExecutor:
    """The executor for a cluster; one trial per slot at a time.

    Args:
        address: of the cluster.
        settings: what every node is told.
        cache_dir: where prepared images lie; nodes are asked whether they see it.
        progress: told which nodes join and are lost.
    """

    max_starts = 20  # as of `Workers`

    def __init__(
        self,
        address: ClusterAddress,
        settings: Settings,
        *,
        cache_dir: Path,
        progress: ProgressSink,
    ) -> None:
        self.address, self.settings = address, settings
        self.cache_dir, self.progress = cache_dir, progress
        self._running: dict[str, Assignment] = {}
        self._stopped_at: float | None = None

    def __enter__(self) -> "RayExecutor":
        with ExitStack() as stack:
            with self.progress.task("connecting to Ray"):
                ray = stack.enter_context(connected(self.address))
            token = self.cache_dir.resolve() / f".cluster-{self.settings.name}"
            content = secrets.token_hex(16)
            write_bytes(token, content.encode())
            token.chmod(0o600)  # whoever may not read the images may not read this
            stack.callback(token.unlink, missing_ok=True)
            self.desk = Desk(ray, self.settings, (token, content))
            stack.callback(self._sweep)
            self.nodes = Membership(self.desk)
            stack.callback(self.nodes.end, GRACE_SECONDS)
            self.nodes.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def slots(self) -> int:
        """Trials at once; one even where there is no node yet: it waits for one.

        One that waits for more memory takes no slot from the others.
        """
        return max(1, self.nodes.slots) + self.desk.waiting.particular()

    def start(self, task: TrialTask) -> None:
        """Let the next free slot run the trial."""
        if not self._running:
            self._stopped_at = None
        assignment = self._running[task.spec.trial_id] = Assignment(task)
        self.desk.gather_files()
        self.desk.waiting.put(assignment)

    def wait(self, report: Report, stop: StopSignal) -> tuple[str, TrialResult] | None:
        """Block until a trial ends, or until there are more slots (None).

        Raises:
            TuneError: no node can be used, or the data of the run is gone.
            OSError: the disk of this machine is full or failing.
        """
        while True:
            if stop.requested and (ended := self._stop_all()):
                return ended
            try:
                event = self.desk.events.get(timeout=TICK_SECONDS)
            except queue.Empty:
                self.nodes.require_some()
                continue
            if isinstance(event, Grown):
                return None
            if ended := self._taken(event, report):
                return ended

    def _taken(self, event: Event, report: Report) -> tuple[str, TrialResult] | None:
        """Take in what has happened; (trial, result) if a trial has ended."""
        if isinstance(event, Exception):
            raise event
        if isinstance(event, Said):
            (self.progress.warning if event.warning else self.progress.message)(event.words)
        elif isinstance(event, Told):
            running = self._running.get(event.progress.trial_id)
            if running and not report(event.progress):
                running.stop = True
        elif isinstance(event, Ended) and self._is_running(event.assignment):
            return self._ended(event)
        elif isinstance(event, Lost) and self._is_running(event.assignment):
            return self._lost(event)
        return None

    def _ended(self, event: Ended) -> tuple[str, TrialResult] | None:
        """Take a result, or try the trial again where there is more memory than it ran out of."""
        assignment, result = event.assignment, event.result
        out_of_memory = result.failure == MEMORY and not assignment.stop
        if out_of_memory and self.desk.waiting.outgrown(assignment, event.place):
            self.progress.message(
                f"cluster: trial {assignment.trial_id} ran out of memory; it is tried again on a "
                "machine with more"
            )
            self.desk.waiting.put(assignment)
            self.desk.events.put(Grown())  # its slot is free
            return None
        if result.failure == KILLED:  # often for want of memory too
            self.desk.waiting.killed(assignment, event.place)
        del self._running[assignment.trial_id]
        return assignment.trial_id, result

    def _is_running(self, assignment: Assignment) -> bool:
        """Whether it is not one that was given up, as when a stop took too long."""
        return self._running.get(assignment.trial_id) is assignment

    def _lost(self, event: Lost) -> tuple[str, TrialResult] | None:
        """Let a trial go on elsewhere."""
        assignment = event.assignment
        assignment.lost += 1
        if assignment.lost < MOST_LOST and not assignment.stop:
            self.desk.waiting.put(assignment)
            return None
        del self._running[assignment.trial_id]
        if assignment.stop:
            return assignment.trial_id, TrialResult(status=STOPPED)
        reason = f"{assignment.lost} machines were lost while they ran it"
        result = TrialResult(status=FAILED, failure=KILLED, reason=reason)
        return assignment.trial_id, result

    def _stop_all(self) -> tuple[str, TrialResult] | None:
        """Tell all trials to stop; one that no slot has taken, or that is not heard of, is over."""
        now = time.monotonic()
        self._stopped_at = now if self._stopped_at is None else self._stopped_at
        for assignment in self._running.values():
            assignment.stop = True
        over = self.desk.waiting.take_any()
        if over is None:
            if now - self._stopped_at < STOP_SECONDS or not self._running:
                return None
            over = next(iter(self._running.values()))
        self._running.pop(over.trial_id, None)
        return over.trial_id, TrialResult(status=STOPPED)

    def _sweep(self) -> None:
        """Delete what was fetched in part: its slot has it no more."""
        for folder in (self.settings.run.trials, self.settings.run.checkpoint("").parent):
            for path in folder.glob(f"*{ARRIVING}"):
                path.unlink(missing_ok=True)
