"""Measure an exported file by its own runtime, in the process that this module is.

`python -P -m search.formats.runtimes FORMAT FILE IMAGES.npy OUT.npz --repeats N` imports NumPy and
the one runtime: its memory is what a program with that file takes. `search.formats.measuring`
starts it.
"""

import argparse
import resource
import sys
import time
from pathlib import Path

import numpy as np

from data_pipeline.processes.leave import leave
from data_pipeline.processes.spared_imports import mark_own_process, spared_imports
from models.families.own.loading import load_code
from search.formats.latency import latency
from search.formats.registry import FORMATS
from search.process.machine.others_load import OthersLoad


def _peak_memory() -> int:
    """Read how many bytes were resident at most in this process.

    Not `ru_maxrss` where the system tells better: on Linux a process begins with that of the
    one that started it, here a driver with TensorFlow in it.
    """
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    except (OSError, IndexError, ValueError):  # no such file, or not as Linux writes it
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    """Measure one file, and write what was found as an .npz file."""
    parser = argparse.ArgumentParser(prog="python -m search.formats.runtimes")
    parser.add_argument("format", choices=FORMATS)
    for name in ("file", "images", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--repeats", type=int, default=50, help="calls to time at most")
    parser.add_argument("--code", type=Path, action="append", default=[], help="defines layers")
    options = parser.parse_args()
    load, started = OthersLoad(), time.perf_counter()
    if FORMATS[options.format].needs_code:
        for file in options.code:
            load_code(file)
    with spared_imports():
        call = FORMATS[options.format].open(options.file)
    load_seconds = time.perf_counter() - started
    # Mapped, and one image before the batches: the peak is that of answering one at a time.
    images = np.load(options.images, mmap_mode="r", allow_pickle=False)
    timed = latency(call, np.array(images[0]), repeats=options.repeats)
    peak_memory, others = _peak_memory(), load.share()
    np.savez(
        options.out,
        probabilities=call(images),
        latency=(timed.median, timed.p95, np.nan if others is None else others),
        peak_memory=peak_memory,
        load_seconds=load_seconds,
    )


if __name__ == "__main__":
    mark_own_process()
    main()
    leave(0)
