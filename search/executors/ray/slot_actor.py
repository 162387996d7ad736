"""The actor that runs trials on a node, one at a time, each in a worker process of its own.

The worker process is the one that a search on one machine has (`search.executors.worker_main`). It
reads and writes a folder on its node that looks like the run's. The actor has no TensorFlow, so
that a trial that kills its process leaves it alive. It is asked for news, over and over: an answer
holds what the trial has reported, and names the files that have changed.
"""

import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import wait
from pathlib import Path

from data_pipeline.atomic_files import write_bytes
from models.families.own.references import Reference
from search.errors import DataGoneError, PhotoGoneError, TuneError
from search.executors.ray.files.pieces import Manifest, manifest_of, read_piece
from search.executors.ray.files.receiver import Receiver
from search.executors.ray.slot_plan import DATA, DISK, OTHER, PHOTO, News, SlotPlan, Trouble
from search.executors.worker_pool import WorkerLimits, WorkerProcess
from search.process.machine.memory import machine_memory
from search.run_folder.config import RunConfig
from search.run_folder.own_families import trust_families
from search.run_folder.paths import RunFolder
from search.trial.messages import Progress, TrialTask

NEWS_SECONDS = 1.0  # after which the driver is answered, even if there is nothing to say
SENDING_SHARE = 0.05  # of the time that sending training states to the driver may take


class SlotActor(Receiver):
    """The actor; the driver makes one per slot.

    Args:
        plan: what it is.
        cache: of the node.
    """

    def __init__(self, plan: SlotPlan, cache: Path) -> None:
        super().__init__(cache / "runs" / plan.run / str(plan.number))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.run = RunFolder(self.folder)
        for name, value in plan.environment.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        device = os.environ.get("CUDA_VISIBLE_DEVICES") if plan.gpu else ""
        memory = int(plan.memory_share * machine_memory() / plan.slots)
        self.limits = WorkerLimits(plan.silence, memory)
        self.worker = WorkerProcess(self.run, device, plan.share, plan.target)
        self.worker.launch()  # it loads TensorFlow while the node gets what it lacks
        self.trial = ""
        self.sent: dict[Path, tuple[int, int]] = {}
        self.named, self.sending = 0.0, 0.0  # when files were named last, and how long they took
        self.fetching = False

    def prepare(self, small: Mapping[str, bytes], links: Mapping[str, Path]) -> None:
        """Write the small files of the run.

        Args:
            small: content by name.
            links: files of the run that lie elsewhere on this machine, by name.

        Raises:
            OSError: the disk is full or failing.
        """
        for name, target in links.items():
            self.link(name, target)
        for name, content in small.items():
            write_bytes(self.folder / name, content)
        if self.run.families.is_dir():
            # Whoever may start actors here may run any code; the signature is of another machine.
            config = RunConfig.load(self.run)
            names = [name for name, _ in config.own_families]
            own = [Reference(self.run.own_family(name), name) for name in names]
            trust_families(self.run, config, own)

    def start(self, task: TrialTask) -> None:
        """Begin a trial, whose state has been sent, or its parent's, where there is one."""
        if self.worker.task is not None:  # given up by the driver; its result is not this trial's
            self.worker.end()
        os.utime(self.folder.parents[1])  # in use: old ones are deleted
        self.trial, self.sent = task.spec.trial_id, {}
        needed = {self.trial, task.spec.parent}
        for path in self.run.checkpoint("").parent.glob("*.npz"):
            if path.stem not in needed:
                path.unlink()
        state = self.run.checkpoint(self.trial)
        if state.exists():  # the driver has it
            self.sent[state] = _mark(state)
        self.worker.give(task)

    def news(self, stop: bool) -> News:
        """Wait until there is something to tell, at most `NEWS_SECONDS`.

        Args:
            stop: whether the trial is to stop.
        """
        begun = time.monotonic()
        if self.fetching:  # what was named last has been fetched by now
            self.sending, self.fetching = begun - self.named, False
        if stop:
            self.worker.ask_to_stop()
        heard: list[Progress] = []

        def report(progress: Progress) -> bool:
            heard.append(progress)
            return True

        while True:
            try:
                wait([self.worker.pipe], timeout=NEWS_SECONDS / 4)
                ended = self.worker.listen(report, self.limits)
            except (OSError, TuneError) as error:
                return News(tuple(heard), trouble=_trouble(error))
            files = self._changed(all_of_them=ended is not None)
            late = time.monotonic() - begun >= NEWS_SECONDS
            if heard or files or ended or late:
                break
        if files:
            self.named, self.fetching = time.monotonic(), True
        return News(tuple(heard), files, ended[1] if ended else None)

    def piece(self, place: str, number: int, manifest: Manifest) -> bytes:
        """Read a piece of a file that `news` has named.

        Raises:
            PieceError: it has changed since.
        """
        return read_piece(self._copy(place), number, manifest)

    def end(self) -> None:
        """End the worker process."""
        self.worker.end()

    def _changed(self, *, all_of_them: bool) -> tuple[tuple[str, Manifest], ...]:
        """Files that the driver has not got; training states in between only as often as is cheap.

        They are named once: if fetching fails, a later one or the end of the trial names all.
        """
        due = time.monotonic() - self.named >= self.sending / SENDING_SHARE
        if not (due or all_of_them):
            return ()
        paths = [self.run.checkpoint(self.trial)]
        if all_of_them:
            paths.append(self.run.predictions(self.trial))
        changed = []
        for path in paths:
            with suppress(FileNotFoundError):
                if self.sent.get(path) != (mark := _mark(path)):
                    place = path.relative_to(self.folder).as_posix()
                    changed.append((place, self._keep(path, place)))
                    self.sent[path] = mark
        return tuple(changed)

    def _keep(self, path: Path, place: str) -> Manifest:
        """Hold on to a file under another name, while the worker puts newer ones in its place."""
        copy = self._copy(place)
        copy.parent.mkdir(exist_ok=True)
        copy.unlink(missing_ok=True)
        try:
            copy.hardlink_to(path)
        except OSError:  # a disk without links
            shutil.copyfile(path, copy)
        return manifest_of(copy)

    def _copy(self, place: str) -> Path:
        return self.folder / "sending" / Path(place).name


def _mark(path: Path) -> tuple[int, int]:
    file = path.stat()
    return file.st_ino, file.st_mtime_ns


def _trouble(error: OSError | TuneError) -> Trouble:
    if isinstance(error, PhotoGoneError):
        return Trouble(PHOTO, str(error), error.path)
    if isinstance(error, DataGoneError):
        return Trouble(DATA, str(error))
    return Trouble(DISK if isinstance(error, OSError) else OTHER, str(error))
