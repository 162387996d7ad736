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
import threading
import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from data_pipeline.atomic_files import write_bytes
from search.errors import TuneError
from search.executors.ray.address import ClusterAddress
from search.executors.ray.connection import connected
from search.executors.ray.desk import (
    Assignment,
    Desk,
    Ended,
    Event,
    Grown,
    Lost,
    LostError,
    Said,
    Settings,
    Told,
)
from search.executors.ray.node import Node
from search.executors.worker_pool import GRACE_SECONDS, TICK_SECONDS
from search.process.progress import ProgressSink
from search.process.stop_signal import StopSignal
from search.run_folder.paths import RunFolder
from search.run_folder.records import FAILED, KILLED, STOPPED, TrialResult
from search.trial.messages import Report, TrialTask

LOOK_SECONDS = 1.0  # between two looks at which nodes there are
MOST_LOST = 20  # slots that a trial may lose in a row before it is what kills them
END_SECONDS = 5.0  # in which a thread ends at the end
STOP_SECONDS = GRACE_SECONDS + 10.0  # in which what was told to stop is heard of


def on_cluster(
    run: RunFolder,
    address: ClusterAddress,
    *,
    workers: int | None,
    silence: float,
    memory_share: float,
    cache_dir: Path,
    progress: ProgressSink,
) -> AbstractContextManager["RayExecutor"]:
    """Make the executor of a run.

    Args:
        run: whose trials are run.
        address: of the cluster.
        workers: trials at once on each machine; None for one per GPU, or one.
        silence: seconds without a word, after which a trial counts as hung.
        memory_share: of a machine's memory, for its trials together.
        cache_dir: where prepared images lie.
        progress: told which machines join and are lost.
    """
    settings = Settings(
        run=run,
        name=f"{run.name}-{secrets.token_hex(4)}",
        per_node=address.slots or workers,
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
        self._nodes: dict[str, Node] = {}
        self._refused: dict[str, str] = {}
        self._running: dict[str, Assignment] = {}
        self._stopped_at: float | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> "RayExecutor":
        with ExitStack() as stack:
            with self.progress.task("connecting to Ray"):
                ray = stack.enter_context(connected(self.address))
            token = self.cache_dir.resolve() / f".cluster-{self.settings.name}"
            content = secrets.token_hex(16)
            write_bytes(token, content.encode())
            stack.callback(token.unlink, missing_ok=True)
            self.desk = Desk(ray, self.settings, (token, content))
            self._looking = threading.Thread(target=self._keep_looking, daemon=True)
            stack.callback(self._end)
            self._look(first=True)
            self._looking.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def slots(self) -> int:
        """Trials at once; one even where there is no node yet: it waits for one."""
        with self._lock:
            return max(1, sum(node.counts for node in self._nodes.values()))

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
                self._require_nodes()
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
            del self._running[event.assignment.trial_id]
            return event.assignment.trial_id, event.result
        elif isinstance(event, Lost) and self._is_running(event.assignment):
            return self._lost(event)
        return None

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
        try:
            over = self.desk.waiting.get_nowait()
        except queue.Empty:
            if now - self._stopped_at < STOP_SECONDS or not self._running:
                return None
            over = next(iter(self._running.values()))
        self._running.pop(over.trial_id, None)
        return over.trial_id, TrialResult(status=STOPPED)

    def _require_nodes(self) -> None:
        with self._lock:
            if self._refused and not any(node.slots for node in self._nodes.values()):
                reasons = "\n".join(f"  {reason}" for reason in self._refused.values())
                raise TuneError(f"no machine of the cluster can run trials:\n{reasons}")

    def _keep_looking(self) -> None:
        while not self.desk.closing.wait(LOOK_SECONDS):
            self._look(first=False)

    def _look(self, *, first: bool) -> None:
        """Take in nodes that have joined, and give up those that are gone."""
        try:
            rows = {row["NodeID"]: row for row in self.desk.ray.nodes() if row["Alive"]}
        except (self.desk.ray.exceptions.RayError, ConnectionError):
            return  # asked again in a second
        with self._lock:
            gone = [node for key, node in self._nodes.items() if key not in rows]
            new = [key for key in rows if key not in self._nodes and key not in self._refused]
            for key in new:
                self._nodes[key] = Node(self.desk, rows[key], first=first, given_up=self._given_up)
        for node in gone:
            node.give_up(LostError())
        for key in new:
            self._nodes[key].start()

    def _given_up(self, node: Node, reason: str) -> None:
        """Forget a node; without a reason it is taken in anew if it is there again."""
        with self._lock:
            self._nodes.pop(node.node_id, None)
            if reason:
                self._refused[node.node_id] = f"{node.label}: {reason}"
        lost = "was lost; its trials go on elsewhere"
        said = f"is not used any more: {reason}" if reason else lost
        self.desk.events.put(Said(f"cluster: {node.label} {said}", warning=True))

    def _end(self) -> None:
        """End all actors, and delete what this search has left on the nodes."""
        self.desk.closing.set()
        with self._lock:
            nodes = [node for node in self._nodes.values() if node.agent is not None]
        for node in nodes:
            node.end_slots()
        ray, name = self.desk.ray, self.settings.name
        cleared = [node.agent.clear.remote(name) for node in nodes]
        if cleared:
            ray.wait(cleared, num_returns=len(cleared), timeout=GRACE_SECONDS)
        # Whoever asked Ray for something after it has ended would start it anew.
        for thread in (self._looking, *(each for node in nodes for each in node.threads), *nodes):
            if thread.is_alive():
                thread.join(END_SECONDS)
        for node in nodes:
            node.end()
