"""Make a node ready for trials: the driver's side, a thread per node."""

import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from models.pretrained.weights import keras_cache_folder
from search.executors.ray.desk import Desk, DeskThread
from search.executors.ray.events import Grown, LostError, Place, Said
from search.executors.ray.files.pieces import PieceError
from search.executors.ray.files.run_files import KERAS, RunFiles, adapted, linked
from search.executors.ray.node_agent import HERE, SHARED, NodeAgent, NodeView
from search.executors.ray.slot import PING_SECONDS, NodeTroubleError, Slot
from search.executors.ray.slot_actor import SlotActor
from search.executors.ray.slot_plan import SlotPlan
from search.executors.ray.versions import differing, installed_versions, machine_id
from search.process.wording import counted

WAITING_SECONDS = 60.0  # for cores and GPUs, before that is said
GONE_SECONDS = 40.0  # without an answer; Ray itself notices within about 30


class Node(DeskThread):
    """One machine of the cluster, from its joining to its end.

    Args:
        desk: what all nodes share.
        row: what `ray.nodes()` says of it.
        first: whether it was there when the search began.
        given_up: called when it cannot go on; with the reason, or "" where it may begin anew.
    """

    def __init__(
        self,
        desk: Desk,
        row: Mapping[str, Any],
        first: bool,
        given_up: Callable[["Node", str], None],
    ) -> None:
        super().__init__(desk, f"node {row['NodeID'][:8]}")
        self.first, self.given_up = first, given_up
        self.node_id: str = row["NodeID"]
        self.label = str(row.get("NodeManagerHostname") or self.node_id[:8])
        resources = row["Resources"]
        self.cpus, self.gpus = float(resources.get("CPU", 0)), int(resources.get("GPU", 0))
        usable = self.cpus > 0 or self.gpus > 0
        self.slots = (
            (desk.settings.per_node or self.gpus * desk.settings.per_gpu or 1) if usable else 0
        )
        self.gone, self.ready = threading.Event(), False
        self.is_here = False
        self.place = Place(self.node_id)
        self.agent: Any = None
        self.actors: list[Any] = []
        self.threads: list[Slot] = []

    @property
    def counts(self) -> int:
        """Trials at once that may be given to it.

        One of the first counts before it is ready, so that a search begins as it does with workers
        of its own. One that joins later counts when it is.
        """
        return 0 if self.gone.is_set() or not (self.first or self.ready) else self.slots

    def work(self) -> None:
        """Start its actors, send it what it lacks, and let its slots take trials."""
        if not self.slots:  # a head that only coordinates
            return
        errors = self.desk.ray.exceptions
        try:
            view = self._begin()
            if said := differing(installed_versions(), view.versions):
                raise NodeTroubleError(f"has other versions, which give other results: {said}")
            self.place = self._place_of_a_slot(view)
            self._make_slots(view)
            files = self.desk.files()
            self._require_photos(files)
            sent = self._fill(view, files)
            self._hand_over(view, files)
        except (LostError, NodeTroubleError, PieceError, OSError, errors.RayError) as error:
            self.give_up(error)
            return
        how = {HERE: "this machine", SHARED: "reads the shared disk"}.get(
            view.disk, f"{sent / 1e6:,.0f} MB sent"
        )
        self.ready = True
        said = f"cluster: {self.label} runs {counted(self.slots, 'trial')} at once ({how})"
        self.desk.events.put(Said(said))
        self.desk.events.put(Grown())
        self.threads = [Slot(self.desk, self, actor) for actor in self.actors]
        for slot in self.threads:
            slot.start()

    def _begin(self) -> NodeView:
        token, content = self.desk.token
        self.agent = self._actor(NodeAgent, max_concurrency=4, num_cpus=0).remote()
        look = self.agent.look.remote(token, content, machine_id())
        view: NodeView = self.desk.answer(look, self.gone)
        self.is_here = view.disk == HERE
        return view

    def _require_photos(self, files: RunFiles) -> None:
        """Look whether the node sees the photos that are decoded as they are needed."""
        if files.photos is None:
            return
        if unseen := self.desk.answer(self.agent.unseen.remote(files.photos.some), self.gone):
            raise NodeTroubleError(
                f"does not see {unseen}, one of the photos that are not prepared; put them on a "
                "disk that all machines see, or give more room with --disk"
            )

    def _place_of_a_slot(self, view: NodeView) -> Place:
        """What each trial has: its share of a GPU where there are any, else of the machine."""
        settings = self.desk.settings
        if self.gpus:
            sharing = math.ceil(self.slots / self.gpus)
            return Place(self.node_id, gpu=True, memory=view.gpu_memory // sharing)
        memory = int(settings.memory_share * view.memory / self.slots)
        return Place(self.node_id, memory=memory)

    def _actor(self, actor_class: type, **options: Any) -> Any:
        """An actor on this node: it is begun anew there where its process dies."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return self.desk.ray.remote(actor_class).options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(self.node_id, soft=False),
            max_restarts=-1,
            max_task_retries=0,
            **options,
        )

    def _make_slots(self, view: NodeView) -> None:
        settings = self.desk.settings
        # What Ray sets for its own processes would change how many threads a worker has.
        environment = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS")}
        keras = keras_cache_folder().parent if self.is_here else view.cache / KERAS
        environment["KERAS_HOME"] = str(keras)
        for number in range(self.slots):
            plan = SlotPlan(
                run=f"{settings.name}/{self.node_id[:12]}",
                number=number,
                slots=self.slots,
                cpus=None if settings.ours else self.cpus,
                gpu=self.gpus > 0,
                silence=settings.silence,
                memory_share=settings.memory_share,
                environment=environment,
                target=settings.target,
            )
            actor = self._actor(
                SlotActor,
                num_cpus=_part(self.cpus, self.slots),
                num_gpus=_part(self.gpus, self.slots),
            )
            self.actors.append(actor.remote(plan, view.cache))

    def _fill(self, view: NodeView, files: RunFiles) -> int:
        """Give the node the large files that it lacks; bytes that were sent."""
        if view.disk == HERE:
            return 0
        sent = 0
        with self.desk.locks[(view.machine, view.cache)]:  # two nodes of one machine share a cache
            for file in files.large:
                if self.gone.is_set():
                    raise LostError
                if view.disk == SHARED and file in files.pixels:
                    self.desk.answer(self.agent.link.remote(file.place, file.path), self.gone)
                elif view.disk == SHARED and file.grows:
                    self.desk.answer(self.agent.copy.remote(file.place, file.path), self.gone)
                else:
                    sent += self._send(file.path, file.place, grows=file.grows)
        return sent

    def _send(self, path: Path, place: str, *, grows: bool) -> int:
        try:
            return self.desk.transfer.send(path, self.agent, place, grows=grows)
        except (PieceError, FileNotFoundError):
            if not grows:
                raise
            return 0  # another search adds to these features now; the node computes them

    def _hand_over(self, view: NodeView, files: RunFiles) -> None:
        own = self.is_here
        small = files.small if own else adapted(files, view.cache)
        links = linked(files, None if own else view.cache)
        reference = self.desk.ray.put(small)
        said = False
        for handed in [actor.prepare.remote(reference, links) for actor in self.actors]:
            while not self._answered(handed):
                if not said:
                    words = f"cluster: {self.label} waits for cores or GPUs that others use"
                    self.desk.events.put(Said(words, warning=True))
                said = True

    def _answered(self, reference: Any) -> bool:
        """Whether an actor has answered; it does not before Ray has cores and GPUs for it."""
        try:
            self.desk.answer(reference, self.gone, WAITING_SECONDS)
        except self.desk.ray.exceptions.GetTimeoutError:
            return False
        return True

    def answers(self) -> bool:
        """Whether the node is there: asked when one of its actors is not."""
        end = time.monotonic() + GONE_SECONDS
        while not (self.gone.is_set() or self.desk.closing.is_set()) and time.monotonic() < end:
            try:
                self.desk.ray.get(self.agent.ping.remote(), timeout=PING_SECONDS)
            except self.desk.ray.exceptions.RayError:
                self.gone.wait(0.5)
            else:
                return True
        return False

    def give_up(self, error: Exception) -> None:
        """Take no further trials; those that run are lost."""
        if self.gone.is_set():
            return
        self.gone.set()
        self.end()
        if not self.desk.closing.is_set():
            self.given_up(self, _why(error))

    def end(self) -> None:
        """End its actors, where they are still there."""
        self.end_slots()
        self._kill(self.agent)

    def end_slots(self) -> None:
        """End those that run trials."""
        for actor in self.actors:
            self._kill(actor)

    def _kill(self, actor: Any) -> None:
        with suppress(self.desk.ray.exceptions.RayError, ValueError):
            self.desk.ray.kill(actor)


def _part(whole: float, slots: int) -> float:
    """What each slot has of it: whole ones, or a part of one, which Ray rounds to 0.0001."""
    if whole >= slots or not whole:
        return float(whole // slots)
    return 10_000 // math.ceil(slots / whole) / 10_000


def _why(error: Exception) -> str:
    """Why a node cannot be used, in words; "" for one that was lost and may come back."""
    if getattr(error, "actor_init_failed", False):  # as where tune is not installed there
        return f"tune cannot be started there: {str(error).strip().splitlines()[-1]}"
    cause = getattr(error, "cause", None) or error
    if isinstance(cause, NodeTroubleError | OSError | PieceError):
        return str(cause)
    # An exception of an actor's own; Ray's say that a process or a machine is gone.
    return "" if cause is error else f"{type(cause).__name__}: {cause}"
