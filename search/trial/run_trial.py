"""Run one trial: build the model, restore its state, train some epochs, save, report.

Takes plain values and returns plain values, and reads and writes through a storage that it is
given, so that it runs the same in this process, in a worker process, or on another machine.
"""

import time

from search.run_folder.records import STOPPED, TrialResult, TrialSpec
from search.trial.callback import TrialCallback
from search.trial.checkpoint import TrainingState
from search.trial.early_stop import EarlyStop
from search.trial.effective_values import effective_values
from search.trial.experiment import Experiment
from search.trial.keras_setup import configuration_seed
from search.trial.messages import REPORT_SECONDS, Progress, Report, TrialTask
from search.trial.model_cache import ModelCache
from search.trial.storage import TrialStorage


def run_trial(
    experiment: Experiment,
    task: TrialTask,
    report: Report,
    *,
    storage: TrialStorage,
    models: ModelCache | None = None,
) -> TrialResult:
    """Train a trial to its end, or until `report` answers False.

    Args:
        experiment: the run that it belongs to.
        task: what to train; goes on from its own checkpoint, else from its parent's.
        report: called several times per second; False stops the trial, to be continued later.
        storage: where checkpoints and predictions are.
        models: what this process has kept of earlier trials.

    Returns:
        The result with status COMPLETED, DIVERGED or STOPPED, history, score and the time of
        this attempt.
    """
    start = time.monotonic()
    spec, models = task.spec, models or ModelCache()
    experiment = experiment.part(spec.images)
    seed = configuration_seed(experiment.config.seed, spec.configuration)
    training = models.training(
        experiment, effective_values(spec), seed, _Preparations(spec, report)
    )
    try:
        model = models.model(training)
        state = _last_state(storage, spec)
        watch = TrialCallback(
            task,
            training,
            state,
            report,
            storage=storage,
            early_stop=EarlyStop.of_task(task, experiment),
            parameters=training.parameters(model),
            traced=model.predict_function is not None,
        )
        # A trial that was killed after it was ended early must not train any further.
        if not watch.judge_restored():
            training.fit(
                model,
                initial_epoch=state.epoch if state else 0,
                epochs=spec.epochs,
                state=state,
                callbacks=[watch],
            )
    except _StopError:
        return TrialResult(status=STOPPED, seconds=_since(start))
    return watch.outcome(seconds=_since(start))


def _since(start: float) -> float:
    return round(time.monotonic() - start, 3)


class _StopError(Exception):
    """The trial was told to stop before its training began."""


class _Preparations:
    """An `Update` that reports what is done before training, and stops the trial if told to."""

    def __init__(self, spec: TrialSpec, report: Report):
        self.spec, self.report = spec, report
        self.last = 0.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self.last < REPORT_SECONDS and done < total:
            return
        self.last = now
        epoch = self.spec.initial_epoch
        progress = Progress(self.spec.trial_id, epoch, done, total, before="computing features")
        if not self.report(progress):
            raise _StopError


def _last_state(storage: TrialStorage, spec: TrialSpec) -> TrainingState | None:
    """The trial's own state if it was interrupted, else its parent's last.

    None where neither can be read: the trial then trains from epoch 0, to the same end.
    """
    own = storage.load_state(spec.trial_id)
    if own is not None or spec.parent is None:
        return own
    state = storage.load_state(spec.parent)
    if state is not None:
        state.history, state.predictions = [], None
    return state
