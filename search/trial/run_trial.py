"""Run one trial: build, restore, train epochs [a, b), checkpoint, report.

Takes plain values and returns plain values, so that it runs the same in this process, in a
worker process, or on another machine.
"""

import time

from search.run_folder.records import STOPPED, TrialRecord
from search.trial.callback import TrialCallback
from search.trial.checkpoint import TrainingState
from search.trial.effective_values import effective_values
from search.trial.experiment import Experiment
from search.trial.messages import REPORT_SECONDS, Progress, Report
from search.trial.model_cache import ModelCache
from search.trial.training import configuration_seed


def run_trial(
    experiment: Experiment, record: TrialRecord, report: Report, models: ModelCache | None = None
) -> TrialRecord:
    """Train a trial to its end, or until `report` answers False.

    Args:
        experiment: the run that it belongs to.
        record: what to train; goes on from its own checkpoint, else from its parent's.
        report: called several times a second; False stops the trial, to be continued later.
        models: what this process has kept of earlier trials.

    Returns:
        The record with status COMPLETED, DIVERGED or STOPPED, history, score and time.
    """
    start = time.monotonic()
    models = models or ModelCache()
    update = _Preparations(record, report)
    seed = configuration_seed(experiment.config.seed, record.configuration)
    training = models.training(experiment, effective_values(record), seed, update)
    try:
        model = models.model(training)
        state = _last_state(experiment, record)
        watch = TrialCallback(
            record,
            training,
            state,
            report,
            parameters=training.parameters(model),
            traced=model.predict_function is not None,
        )
        training.fit(
            model,
            initial_epoch=state.epoch if state else 0,
            epochs=record.epochs,
            state=state,
            callbacks=[watch],
        )
    except _StopError:
        return record.with_outcome(status=STOPPED, seconds=_spent(record, start))
    return watch.outcome(seconds=_spent(record, start))


def _spent(record: TrialRecord, start: float) -> float:
    return round(record.seconds + time.monotonic() - start, 3)


class _StopError(Exception):
    """The trial was told to stop before its training began."""


class _Preparations:
    """Reports what is done before training; an `Update`."""

    def __init__(self, record: TrialRecord, report: Report):
        self.record, self.report = record, report
        self.last = 0.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self.last < REPORT_SECONDS and done < total:
            return
        self.last = now
        epoch = self.record.initial_epoch
        progress = Progress(self.record.trial_id, epoch, done, total, before="computing features")
        if not self.report(progress):
            raise _StopError


def _last_state(experiment: Experiment, record: TrialRecord) -> TrainingState | None:
    """The trial's own state if it was interrupted, else its parent's last.

    None where neither can be read: the trial then trains from epoch 0, to the same end.
    """
    own = TrainingState.load(experiment.run.checkpoint(record.trial_id))
    if own is not None or record.parent is None:
        return own
    state = TrainingState.load(experiment.run.checkpoint(record.parent))
    if state is not None:
        state.history, state.predictions = [], None
    return state
