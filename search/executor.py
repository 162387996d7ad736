"""Run trials in this process, one at a time."""

from search.experiment import Experiment
from search.records import FAILED, TrialRecord
from search.training import Report


class InProcess:
    """The executor for tests, debugging and small machines."""

    slots = 1

    def __init__(self, experiment: Experiment):
        self.experiment = experiment
        self.record: TrialRecord | None = None

    def start(self, record: TrialRecord) -> None:
        """Remember the trial; it runs when waited for."""
        self.record = record

    def wait(self, report: Report) -> TrialRecord:
        """Run the trial to its end; what goes wrong in it is its result."""
        if self.record is None:
            raise RuntimeError("wait() before start()")
        record, self.record = self.record, None
        return run_guarded(self.experiment, record, report)


def run_guarded(experiment: Experiment, record: TrialRecord, report: Report) -> TrialRecord:
    """`run_trial`, with any exception turned into a record with status FAILED."""
    import keras

    from search.trial import run_trial

    try:
        return run_trial(experiment, record, report)
    except Exception as error:  # noqa: BLE001 whatever a layer raises is this trial's result
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else ""
        return record.with_outcome(status=FAILED, reason=f"{type(error).__name__}: {first_line}")
    finally:
        keras.backend.clear_session()
