"""Run a worker process: load the run once, then run trials until the pipe closes."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from data_pipeline.processes.leave import leave
from data_pipeline.processes.spared_imports import mark_own_process
from search.errors import TuneError
from search.process.machine.memory import resident_bytes
from search.run_folder.paths import RunFolder
from search.trial.messages import Progress


def work(folder: Path, device: str | None, share: int, pipe: Connection, stop: Any) -> None:
    """Load the run, then run the trials that come through the pipe until it closes."""
    mark_own_process()
    follow_the_driver()
    try:
        _log_to(folder / "workers.log")
    except FileNotFoundError:  # the run could not be begun, and its folder is gone
        return
    from search.process.quiet import import_tensorflow

    # Before TensorFlow is imported: it looks for GPUs once.
    if device is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = device
    import_tensorflow()
    from search.executors.in_process import run_guarded
    from search.process.machine.hardware import detect
    from search.trial.experiment import Experiment
    from search.trial.keras_setup import set_up_training, share_cores
    from search.trial.model_cache import ModelCache
    from search.trial.storage import RunFolderStorage

    detect()
    share_cores(share)
    experiment: Experiment | None = None
    models, storage = ModelCache(), RunFolderStorage(RunFolder(folder))

    def report(progress: Progress) -> bool:
        pipe.send(progress)
        return not stop.is_set()

    pipe.send(None)  # ready
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            leave(0)
        try:
            if experiment is None:  # not before: workers start while the data is prepared
                experiment = Experiment.load(RunFolder(folder))
                set_up_training(experiment.config)
            result = run_guarded(experiment, task, report, storage=storage, models=models)
        except (OSError, TuneError) as error:  # of disk or data: the driver ends the search
            pipe.send(error)
        else:
            pipe.send((result, resident_bytes()))


def follow_the_driver() -> None:
    """Leave Ctrl-C to the driver, and end when the driver does, however it ends."""
    # A terminal sends Ctrl-C to all its processes. The driver asks for a clean stop by itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    driver = multiprocessing.parent_process()

    def watch() -> None:
        if driver is not None:
            driver.join()
            os._exit(1)  # `sys.exit` would end this thread only

    threading.Thread(target=watch, daemon=True).start()


def _log_to(path: Path) -> None:
    """Send what C++ code prints to a file: it would tear the display to pieces."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
