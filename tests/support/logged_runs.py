"""TensorBoard logs written as a search writes them, of records with made-up scores."""

import keras_tuner
from finished_runs import made_up
from searching import epoch_logs, trial_record
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from search.observers.tensorboard import TensorBoardLog
from search.process.atomic_files import write_array
from search.run_folder.records import COMPLETED, RUNNING
from search.trial.messages import Progress


def log_of(experiment):
    """The observer of a search on that run."""
    space = keras_tuner.HyperParameters()
    experiment.classifier.declare_hyperparameters(space)
    return TensorBoardLog(experiment, space)


def begin(log, trial_id, values, **fields):
    """A trial is started; its record."""
    record = trial_record(trial_id, None, values=values, status=RUNNING, **fields)
    log.trial_started(record.save(log.experiment.run))
    return record


def epoch(log, record, number, score, **logs):
    """An epoch of it ends."""
    told = epoch_logs(number, score) | logs
    log.progress(Progress(record.trial_id, number, 1, 1, told))
    return told


def end(log, record, history, **fields):
    """It ends, having told of these epochs."""
    best = max(history, key=lambda logs: logs["val_accuracy"], default={})
    outcome = {
        "status": "completed",
        "score": best.get("val_accuracy"),
        "best_epoch": best.get("epoch"),
        "history": history,
        "seconds": 2.0,
        "parameters": 1000 if history else None,
    }
    record = record.with_outcome(**(outcome | fields))
    if record.score is not None and record.status == COMPLETED:
        run = log.experiment
        write_array(run.run.predictions(record.trial_id), made_up(run, record.score))
    log.trial_finished(record.save(log.experiment.run))


def trial(log, trial_id, values, scores, *, first=0, outcome=(), **fields):
    """A whole trial: its epochs from `first` on had these scores."""
    record = begin(log, trial_id, values, initial_epoch=first, **fields)
    history = [epoch(log, record, first + i, score) for i, score in enumerate(scores)]
    end(log, record, history, **dict(outcome))


def written(folder):
    """What stands in a TensorBoard run by now: tag -> [(step, value)], an image's value None."""
    found = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
    return {
        tag: [(event.step, _number(event)) for event in found.Tensors(tag)]
        for tag in found.Tags()["tensors"]
    }


def _number(event):
    value = make_ndarray(event.tensor_proto)
    return round(float(value), 4) if value.ndim == 0 else None
