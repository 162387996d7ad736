"""Run trials in this process, one at a time; an exception in a trial becomes its result."""

import errno
import re

from data_pipeline.errors import DataError, LostFileError
from search.errors import DataGoneError, PhotoGoneError
from search.process.machine.memory import released_graphs
from search.process.stop_signal import StopSignal
from search.run_folder.records import ERROR, FAILED, MEMORY, TrialResult
from search.trial.experiment import Experiment
from search.trial.messages import Report, TrialTask
from search.trial.model_cache import ModelCache
from search.trial.storage import RunFolderStorage, TrialStorage

OUT_OF_MEMORY = ("MemoryError", "ResourceExhaustedError")


class InProcess:
    """The executor for tests and debugging (`--workers 0`)."""

    slots = 1
    max_starts = 2  # a trial that kills its process kills the search with it

    def __init__(self, experiment: Experiment):
        self.experiment = experiment
        self.storage = RunFolderStorage(experiment.run)
        self.models = ModelCache()
        self.task: TrialTask | None = None

    def start(self, task: TrialTask) -> None:
        """Remember the trial; it runs when waited for."""
        self.task = task

    def wait(self, report: Report, stop: StopSignal) -> tuple[str, TrialResult]:
        """Run the trial to its end; `report` says when to stop, so `stop` is not needed."""
        if self.task is None:
            raise RuntimeError("wait() before start()")
        task, self.task = self.task, None
        result = run_guarded(
            self.experiment, task, report, storage=self.storage, models=self.models
        )
        return task.spec.trial_id, result


def run_guarded(
    experiment: Experiment,
    task: TrialTask,
    report: Report,
    *,
    storage: TrialStorage,
    models: ModelCache,
) -> TrialResult:
    """Call `run_trial`, and turn any exception into a result with status FAILED.

    A full or failing disk, and prepared images that are gone, are not the trial's fault: they end
    the search, with all saved.
    """
    from search.trial.run_trial import run_trial

    try:
        with released_graphs(kernels=False):  # `models` forgets them when it is time
            return run_trial(experiment, task, report, storage=storage, models=models)
    except Exception as error:
        # A kept model may be in the middle of a step, or hold the memory that was missing.
        models.clear()
        if isinstance(error, DataGoneError):
            raise
        if isinstance(error, DataError):
            gone = PhotoGoneError(
                f"{error}; put it back, or start a new run without it: images that are not "
                "prepared, as there is no room for all, are read from their files"
            )
            gone.path = error.path if isinstance(error, LostFileError) else ""
            raise gone from error
        if isinstance(error, OSError) and _is_of_the_disk(error):
            where = error.filename or experiment.run.path
            raise OSError(
                error.errno,
                f"{error.strerror}; the trial is not lost: free some space, and go on with "
                f"'tune run --resume {experiment.run.argument}'",
                str(where),
            ) from error
        return TrialResult(status=FAILED, failure=_kind(error), reason=_in_one_line(error))


def _kind(error: Exception) -> str:
    import tensorflow as tf

    out_of_memory = isinstance(error, MemoryError | tf.errors.ResourceExhaustedError)
    # While a step is traced, AutoGraph raises an error of its own with the text of the other.
    named = any(line.strip().startswith(OUT_OF_MEMORY) for line in str(error).splitlines())
    return MEMORY if out_of_memory or named else ERROR


def _is_of_the_disk(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EIO, errno.EDQUOT)


def _in_one_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    if not lines:
        return type(error).__name__
    if lines[0].startswith("in user code"):  # AutoGraph says where, and what it was further on
        named = [line.strip() for line in lines if re.match(r"\s*\w+(Error|Exception): ", line)]
        return (named or lines)[-1].strip()
    return f"{type(error).__name__}: {lines[0]}"
