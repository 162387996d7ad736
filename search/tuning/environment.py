"""Where a run lives and how long it may take."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from search.executors.ray.address import ClusterAddress
from search.executors.workers_for import workers_for
from search.observers.observer import Observer
from search.observers.scoreboard import Scoreboard
from search.process.progress import ProgressSink, Silent
from search.process.stop_signal import StopSignal
from search.run_folder.config import RunConfig
from search.run_folder.images_disk import ImagesDisk
from search.run_folder.paths import RunFolder


@dataclass(frozen=True)
class RunEnvironment:
    """Where a run lives and how long it may take; nothing that decides its result.

    Attributes:
        results: folder of all runs.
        cache_dir: where checked catalogs and prepared pixels are kept.
        max_time: seconds, or None for as long as it takes.
        workers: worker processes; None for one per GPU, or one without GPUs; 0 for none: trials
            then run in this process.
        trials_per_gpu: workers on each GPU, where their number is not given.
        disk: bytes that prepared images and features may take; None for half of what is free, or
            on a cluster for what all images need.
        cluster: the Ray cluster whose machines run the trials, `workers` being those of each; None
            for this machine.
        silence: seconds without a step after which a trial counts as hung.
        progress: where messages, warnings and progress go.
        display: makes what shows the search while it runs; by default nothing is shown, and the
            scoreboard, which counts what is done, observes the search alone.
        then: the option that says what follows on the search, as "--then-export"; "" for nothing.
    """

    results: Path
    cache_dir: Path
    max_time: float | None
    workers: int | None
    silence: float
    progress: ProgressSink = field(default_factory=Silent)
    display: Callable[[Scoreboard], AbstractContextManager[Observer]] = nullcontext
    then: str = ""
    cluster: ClusterAddress | None = None
    trials_per_gpu: int = 1
    disk: int | None = None

    @property
    def images_disk(self) -> ImagesDisk | None:
        """How much disk prepared images and features may take; None for what all images need.

        That is so on a cluster unless something is said: a machine that is sent some of the images
        has to see the files that the others are decoded from.
        """
        return None if self.cluster and self.disk is None else ImagesDisk(self.disk)

    def stop_signal(self, run: RunFolder) -> StopSignal:
        """The signal that stops a run; nobody asks before the search, for hours perhaps."""
        return StopSignal(self.max_time, (run.path, self.cache_dir), asked=False)

    def workers_for(self, run: RunFolder) -> AbstractContextManager[Any]:
        """Who trains; see `search.executors.workers_for`."""
        return workers_for(
            run,
            cluster=self.cluster,
            workers=self.workers,
            trials_per_gpu=self.trials_per_gpu,
            silence=self.silence,
            cache_dir=self.cache_dir,
            progress=self.progress,
        )

    def open_ended(self, config: RunConfig) -> bool:
        """Whether the time limit ends the search, and not a number of rounds."""
        return config.open_ended and self.max_time is not None
