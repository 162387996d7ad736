"""Measure a file by its own runtime, in a process of its own."""

import math
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.families.own.loading import files_of_layers
from search.errors import TuneError
from search.formats.latency import Latency
from search.process.printable import printable

TIMEOUT_SECONDS = 300.0  # TensorFlow alone took 17 to import on two busy cores
LAST_LINES = 2  # of what a process said before it died: the error, after its place


@dataclass(frozen=True)
class Measured:
    """What a file's own runtime makes of it, on the processor.

    Attributes:
        probabilities: float32 [n, classes], its answers.
        latency: seconds per image, one image per call.
        peak_memory: bytes resident at most in a process that loads the file and answers one
            image at a time, Python and the runtime among them.
        size: bytes on disk, all of them for a folder.
        load_seconds: from importing the runtime to being ready.
    """

    probabilities: NDArray[np.float32]
    latency: Latency
    peak_memory: int
    size: int
    load_seconds: float


def measure_file(
    name: str,
    path: Path,
    images: NDArray[np.uint8],
    *,
    repeats: int = 50,
    timeout: float = TIMEOUT_SECONDS,
) -> Measured:
    """Load `path` in a new process by the runtime of its format, and measure it there.

    Args:
        name: A key of `search.formats.registry.FORMATS`.
        path: The exported file or folder.
        images: uint8 [n, height, width, 3], prepared pixels.
        repeats: Calls to time at most.
        timeout: Seconds that the process may take.

    Raises:
        TuneError: the file cannot be loaded, or the process died or took too long.
    """
    with tempfile.TemporaryDirectory(prefix="tune-") as folder:
        images_file, result_file = Path(folder, "images.npy"), Path(folder, "result.npz")
        np.save(images_file, np.ascontiguousarray(images))
        # -P: a module in the current folder must not be imported in place of ours.
        command = [sys.executable, "-P", "-m", "search.formats.runtimes", name, str(path)]
        command += [str(images_file), str(result_file), "--repeats", str(repeats)]
        command += [word for file in files_of_layers() for word in ("--code", str(file))]
        if problem := _problem_of(command, timeout):
            raise TuneError(
                f"{printable(path)}: could not be measured by its own runtime: {problem}; "
                f"export again, or without {name}"
            )
        with np.load(result_file, allow_pickle=False) as figures:
            median, p95, others = map(float, figures["latency"])
            return Measured(
                probabilities=figures["probabilities"],
                latency=Latency(median, p95, None if math.isnan(others) else others),
                peak_memory=int(figures["peak_memory"]),
                size=size_of(path),
                load_seconds=float(figures["load_seconds"]),
            )


def size_of(path: Path) -> int:
    """Count the bytes of a file, or of all files below a folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)


def _problem_of(command: list[str], timeout: float) -> str:
    """Run a process to its end, and say why it did not end well; "" if it did."""
    # A file, not a pipe: a process that it may have started could hold a pipe open for ever.
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=_environment(),
            start_new_session=True,  # so that `_end` also ends what it has started
        )
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            return f"no answer within {timeout:.0f} s"
        finally:
            _end(process)
        if status == 0:
            return ""
        errors.seek(0)
        lines = errors.read().decode(errors="replace").splitlines()
    ended = f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
    last = " / ".join([line.strip() for line in lines if line.strip()][-LAST_LINES:])
    return f"{ended}: {printable(last[-600:])}" if last else ended


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started; Ctrl-C does not reach a session of its own."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _environment() -> dict[str, str]:
    """Make the environment of the process: the processor for all files, so that figures compare."""
    package = str(Path(__file__).parents[2])
    inherited = os.environ.get("PYTHONPATH")
    return os.environ | {
        "PYTHONPATH": os.pathsep.join([package, inherited] if inherited else [package]),
        "CUDA_VISIBLE_DEVICES": "-1",  # a GPU in use is left alone
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "KERAS_BACKEND": "tensorflow",
    }
