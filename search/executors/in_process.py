"""Run trials in this process, one at a time; and turn what goes wrong in one into its result."""

from search.process.memory import released_graphs
from search.process.stop_signal import StopSignal
from search.run_folder.records import ERROR, FAILED, MEMORY, TrialRecord
from search.trial.experiment import Experiment
from search.trial.messages import Report
from search.trial.model_cache import ModelCache


class InProcess:
    """The executor for tests and debugging (`--workers 0`)."""

    slots = 1
    max_starts = 2  # a trial that kills its process kills the search with it

    def __init__(self, experiment: Experiment):
        self.experiment = experiment
        self.models = ModelCache()
        self.record: TrialRecord | None = None

    def start(self, record: TrialRecord) -> None:
        """Remember the trial; it runs when waited for."""
        self.record = record

    def wait(self, report: Report, stop: StopSignal) -> TrialRecord:
        """Run the trial to its end; `report` says when to stop, so `stop` is not needed."""
        if self.record is None:
            raise RuntimeError("wait() before start()")
        record, self.record = self.record, None
        return run_guarded(self.experiment, record, report, self.models)


def run_guarded(
    experiment: Experiment, record: TrialRecord, report: Report, models: ModelCache
) -> TrialRecord:
    """`run_trial`, with any exception turned into a record with status FAILED.

    A full or failing disk is not the trial's fault: that ends the search, with all saved.
    """
    from search.trial.run_trial import run_trial

    try:
        with released_graphs():
            return run_trial(experiment, record, report, models)
    except Exception as error:
        models.clear()
        if _is_of_the_disk(error):
            raise
        return record.with_outcome(status=FAILED, failure=_kind(error), reason=_in_a_line(error))


def _kind(error: Exception) -> str:
    import tensorflow as tf

    out_of_memory = isinstance(error, MemoryError | tf.errors.ResourceExhaustedError)
    return MEMORY if out_of_memory else ERROR


def _is_of_the_disk(error: Exception) -> bool:
    import errno

    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EIO, errno.EDQUOT)


def _in_a_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
