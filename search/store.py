"""Files of a run: where they lie, and how each appears whole or not at all.

results/<run>/
    config.json        the frozen configuration, written before the first trial
    data.json          what the run was given: fingerprint, labels, where the pixels lie
    pictures.json      path, format and size of each kept picture
    set_aside.json     path and reason of each file that was not kept
    splits.npz         which kept picture is for training, validation and test
    groups.npy         which kept pictures are copies of one another
    oracle/            KerasTuner's project folder, readable by KerasTuner itself
    trials/            one record a trial (JSON), and its predictions on validation (npy)
    checkpoints/       training state of trials that may still go on
    finalists.json     how the best configurations compare after being trained again
    repeats/           predictions on validation of the best configurations, trained again
    tensorboard/       one folder a configuration
    learnt.json        what the search has taught, and the results that this rests on
    latencies.json     what one picture takes by each architecture, as far as it was measured
    export/            what `tune export-best` writes
    report.html        what `tune report` writes
    labels/            what `tune labels` writes
"""

import io
import json
import os
import uuid
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_pipeline.atomic import sync_folder
from search.errors import TuneError


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that at any moment the old content or the new one stands there whole.

    Raises:
        OSError: the disk is full or failing; the old content is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        _write_through(temporary, content)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _write_through(path: Path, content: bytes) -> None:
    """Write a new file and wait until it is on the disk."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Delete what writes that never came to an end have left, in a folder and those below it."""
    for path in folder.rglob(".*.tmp"):
        path.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write JSON whole or not at all; numbers that JSON lacks (NaN, infinity) are refused."""
    write_bytes(path, json.dumps(value, indent=1, allow_nan=False).encode())


def write_array(path: Path, array: Any) -> None:
    """Write one numpy array as .npy, whole or not at all."""
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_bytes(path, buffer.getvalue())


def write_arrays(path: Path, **arrays: Any) -> None:
    """Write numpy arrays as one .npz, whole or not at all."""
    import numpy as np

    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_bytes(path, buffer.getvalue())


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        TuneError: the file is missing or not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise TuneError(f"{path}: no such file") from error
    except ValueError as error:
        raise TuneError(f"{path}: not readable as JSON ({error})") from error


def set_aside(path: Path, why: str) -> None:
    """Rename a broken file out of the way, and say so: it is lost, the rest goes on."""
    aside = path.with_name(path.name + ".broken")
    path.replace(aside)
    warnings.warn(f"{path}: {why}; kept as {aside.name}, the search goes on without", stacklevel=2)


@dataclass(frozen=True)
class RunFolder:
    """The paths of one run; creates nothing by itself."""

    path: Path

    @property
    def name(self) -> str:
        """The run's name, as in `--resume NAME`."""
        return self.path.name

    @property
    def config(self) -> Path:
        """The frozen configuration (JSON)."""
        return self.path / "config.json"

    @property
    def data(self) -> Path:
        """What the run was given to learn from (JSON)."""
        return self.path / "data.json"

    @property
    def pictures(self) -> Path:
        """Path, format and size of each kept picture (JSON)."""
        return self.path / "pictures.json"

    @property
    def set_aside(self) -> Path:
        """Path, relative to the data's root, and reason of each file that was not kept (JSON)."""
        return self.path / "set_aside.json"

    @property
    def splits(self) -> Path:
        """Row numbers of train, validation and test (npz)."""
        return self.path / "splits.npz"

    @property
    def targets(self) -> Path:
        """Class number of each prepared picture (npy, int32)."""
        return self.path / "targets.npy"

    @property
    def groups(self) -> Path:
        """Group of duplicates of each prepared picture (npy, int64)."""
        return self.path / "groups.npy"

    @property
    def labels(self) -> Path:
        """Folder of the likeliest label errors."""
        return self.path / "labels"

    @property
    def trials(self) -> Path:
        """Folder of trial records."""
        return self.path / "trials"

    @property
    def finalists(self) -> Path:
        """How the best configurations compare after being trained again (JSON)."""
        return self.path / "finalists.json"

    @property
    def latencies(self) -> Path:
        """Seconds a picture by architecture (JSON)."""
        return self.path / "latencies.json"

    @property
    def report(self) -> Path:
        """The report, unless it was asked for elsewhere."""
        return self.path / "report.html"

    @property
    def tensorboard(self) -> Path:
        """TensorBoard's log folder."""
        return self.path / "tensorboard"

    @property
    def export(self) -> Path:
        """Folder of the exported model."""
        return self.path / "export"

    @property
    def metrics(self) -> Path:
        """All figures of the exported model (JSON)."""
        return self.export / "metrics.json"

    @property
    def learnt(self) -> Path:
        """What the search has taught (JSON)."""
        return self.path / "learnt.json"

    @property
    def test_predictions(self) -> Path:
        """What the exported model says of the test pictures (npy, float32 [n, classes])."""
        return self.export / "test_predictions.npy"

    def checkpoint(self, trial_id: str) -> Path:
        """Training state of a trial (npz)."""
        return self.path / "checkpoints" / f"{trial_id}.npz"

    def repeat(self, configuration: str, epochs: int, number: int) -> Path:
        """Validation probabilities of a configuration's further training (npy, float32)."""
        return self.path / "repeats" / f"{configuration}-{epochs}-{number}.npy"

    def predictions(self, trial_id: str) -> Path:
        """Validation probabilities at the trial's best epoch (npy, float32 [n, classes])."""
        return self.trials / f"{trial_id}.npy"


def runs(results: Path) -> list[RunFolder]:
    """All runs below a results folder, newest first."""
    found = [RunFolder(path.parent) for path in results.glob("*/config.json")]
    return sorted(found, key=lambda run: run.config.stat().st_mtime, reverse=True)


def find_run(results: Path, name: str | None) -> RunFolder:
    """The run of that name, or the newest.

    Raises:
        TuneError: there is no such run; the message lists those there are.
    """
    known = runs(results)
    if name is None and known:
        return known[0]
    for run in known:
        if run.name == name:
            return run
    if not known:
        raise TuneError(f"{results}/: no runs here; start one with 'tune run DATA'")
    names = ", ".join(run.name for run in known[:10])
    raise TuneError(f"no run named {name!r} in {results}/; there are: {names}")
