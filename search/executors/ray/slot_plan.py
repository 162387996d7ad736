"""What nodes and slots are told, and what is heard of them. Plain values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from data_pipeline.processes.cores import cores
from search.executors.ray.files.pieces import Manifest
from search.executors.worker_main import work
from search.run_folder.paths import RunFolder
from search.run_folder.records import TrialResult
from search.trial.messages import Progress

DISK, DATA, PHOTO, OTHER = "disk", "data", "photo", "other"


@dataclass(frozen=True)
class Settings:
    """What every node is told.

    Attributes:
        run: whose trials are run.
        name: of this search on the nodes; no other search has it.
        per_node: slots of each node; None for `per_gpu` on each GPU, or one.
        per_gpu: slots of each GPU.
        ours: whether this Ray was started here, for these slots alone.
        silence: seconds without a word, after which a trial counts as hung.
        memory_share: of a machine's memory, for its slots together.
        target: what worker processes run (tests give their own).
    """

    run: RunFolder
    name: str
    per_node: int | None
    per_gpu: int
    ours: bool
    silence: float
    memory_share: float
    target: Callable[..., None] = work


@dataclass(frozen=True)
class SlotPlan:
    """What a slot is.

    Attributes:
        run: name of the folder that all slots of one search share on a node.
        number: of the slot on its node, from 0.
        slots: on its node.
        cpus: cores that Ray counts on the node; None where that says nothing of the machine.
        gpu: whether it has one.
        silence: seconds without a word, after which a trial counts as hung.
        memory_share: of the machine's memory, for the slots of a node together.
        environment: variables of the worker process; None for those that it shall not have.
        target: what a worker process runs.
    """

    run: str
    number: int
    slots: int
    cpus: float | None
    gpu: bool
    silence: float
    memory_share: float
    environment: Mapping[str, str | None] = field(default_factory=dict)
    target: Callable[..., None] = work

    @property
    def share(self) -> int:
        """By how many the cores of the machine are divided, of which Ray may have a part only."""
        return round(self.slots * max(1.0, cores() / (self.cpus or cores())))


@dataclass(frozen=True)
class Trouble:
    """Why a slot cannot go on.

    Attributes:
        kind: DISK, DATA, PHOTO or OTHER.
        words: what it is.
        path: of the photo.
    """

    kind: str
    words: str
    path: str = ""


@dataclass(frozen=True)
class News:
    """What there is to tell the driver.

    Attributes:
        progress: of the trial, in order.
        files: what has changed, by its place in the run's folder.
        result: where the trial has ended.
        trouble: where the slot cannot go on.
    """

    progress: tuple[Progress, ...] = ()
    files: tuple[tuple[str, Manifest], ...] = ()
    result: TrialResult | None = None
    trouble: Trouble | None = None
