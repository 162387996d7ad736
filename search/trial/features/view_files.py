"""Files of features: one worker makes one at a time, and the oldest give way to new ones."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_pipeline.atomic_files import make_folder, share
from search.process.machine.disk import free_bytes, used_bytes
from search.process.progress import Update
from search.trial.experiment import Experiment


@contextmanager
def locked_view(path: Path, update: Update) -> Iterator[None]:
    """Hold the lock of a view; wait for another worker that makes it."""
    make_folder(path.parent, shared=True)
    with path.with_suffix(".lock").open("w") as lock:
        share(lock.fileno(), path.parent)
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                # So that the driver does not take the trial for hung, and can stop it.
                update(0, 1)
                time.sleep(0.2)
            except OSError:  # this disk has no locks: rows are written once more at worst
                break
        yield


def make_room(experiment: Experiment, needed: int) -> None:
    """Delete the views used longest ago until all take no more than they may."""
    files, total, limit = _views(experiment)
    for path in sorted(files, key=_last_used):
        if total + needed <= limit:
            return
        if not _is_being_made(path):
            total -= used_bytes(path)
            path.unlink(missing_ok=True)  # who has it mapped keeps it
            path.with_suffix(".rows").unlink(missing_ok=True)


def features_limit(experiment: Experiment) -> int:
    """Bytes that the features of a run may take."""
    return _views(experiment)[2]


def _views(experiment: Experiment) -> tuple[list[Path], int, int]:
    """Files of features that share one limit, the bytes that they take, and the limit.

    Where the user has said what it is, it is said of the features of these images alone.
    """
    folder, disk = experiment.features.parent, experiment.disk
    if disk.limit is None:
        files = list(folder.glob("*.features/*/*.f32"))
    else:
        own = (path.with_suffix(".features") for path in experiment.files.values())
        files = [file for each in own for file in each.glob("*/*.f32")]
    total = sum(used_bytes(path) for path in files)
    limit = disk.features(free_bytes(folder) + total, len(experiment.targets))
    return files, total, limit


def _is_being_made(path: Path) -> bool:
    """Whether a worker, which may be this one, holds the lock of a view."""
    try:
        with path.with_suffix(".lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # it is gone, or this disk has no locks
        return False
    return False


def _last_used(path: Path) -> float:
    """In seconds of Unix time; 0 where another worker has just deleted it."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
