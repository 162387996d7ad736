"""What tests of the search share: configurations, records and oracles driven by made-up scores."""

import itertools
from collections import Counter
from dataclasses import dataclass, field

from search.run_folder.config import RunConfig
from search.run_folder.records import COMPLETED, TrialRecord

VALUES = {
    "family": "cnn",
    "cnn/filters": 8,
    "cnn/blocks": 2,
    "cnn/convolutions": 1,
    "cnn/normalization": "batch",
    "cnn/block_dropout": 0.0,
    "cnn/pooling": "average",
    "cnn/dense_units": 0,
    "cnn/dropout": 0.2,
    "batch_size": 16,
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "schedule": "constant",
    "label_smoothing": 0.0,
    "augmentation/strength": 0.3,
    "augmentation/policy": "basic",
    "augmentation/erasing": 0.0,
    "augmentation/mix": "none",
}


def run_config(**changes):
    """A configuration of a run; small where nothing else is asked for."""
    settled = {
        "data": "/photos",
        "algo": "hyperband",
        "families": ("cnn",),
        "backbones": (),
        "image_size": (16, 16),
        "resize_mode": "squeeze",
        "compact": True,
        "weights": None,
        "max_epochs": 9,
        "factor": 3,
        "hyperband_iterations": 1,
        "max_trials": 5,
        "objective": "val_accuracy",
        "validation": 0.2,
        "test": 0.2,
        "seed": 0,
        "precision": "float32",
        "deterministic": True,
        "early_stop": False,
    }
    return RunConfig(**(settled | changes))


def trial_record(trial_id="0000", score=0.5, **changes):
    """A record of one epoch with that score; any field can be changed."""
    fields = {
        "trial_id": trial_id,
        "configuration": trial_id,
        "values": VALUES,
        "bracket": 0,
        "rung": 0,
        "initial_epoch": 0,
        "epochs": 1,
        "status": COMPLETED,
        "score": score,
        "history": [] if score is None else [epoch_logs(0, score)],
        "best_epoch": None if score is None else 0,
        "baseline": int(changes.get("configuration", trial_id)) == 0,
    }
    return TrialRecord(**(fields | changes))


def epoch_logs(epoch, score):
    return {
        "epoch": epoch,
        "loss": 1.0,
        "accuracy": score,
        "val_accuracy": score,
        "val_loss": 1 - score,
        "val_auc": score,
    }


def wide_space():
    """Two numbers from 0 to 1, in which no value is ever drawn twice."""
    import keras_tuner

    space = keras_tuner.HyperParameters()
    space.Float("x", 0.0, 1.0)
    space.Float("y", 0.0, 1.0)
    return space


def oracle_in(
    folder,
    *,
    space=None,
    baselines=(),
    allowed=lambda values: True,
    open_ended=False,
    **changes,
):
    """The oracle of a run folder, reloaded where it was there before."""
    from search.algorithms.registry import make_oracle

    return make_oracle(
        run_config(**changes),
        wide_space() if space is None else space,
        baselines=list(baselines),
        allowed=allowed,
        open_ended=open_ended,
        directory=folder,
    )


def x_of(trial):
    return trial.hyperparameters.values["x"]


def place_of(trial):
    """(bracket, round)."""
    values = trial.hyperparameters.values
    return values["tuner/bracket"], values["tuner/round"]


def finished(trial, *, status=COMPLETED, score=None, reason=""):
    """The record of a trial that came to that end; a useful one scores its x."""
    values = trial.hyperparameters.values
    score = values["x"] if score is None else score
    first = values.get("tuner/initial_epoch", 0)
    return trial_record(
        trial.trial_id,
        score if status == COMPLETED else None,
        values=values,
        initial_epoch=first,
        epochs=values.get("tuner/epochs", first + 1),
        history=[epoch_logs(first, score)] if status == COMPLETED else [],
        status=status,
        reason=reason or ("" if status == COMPLETED else f"made {status} by a test"),
    )


@dataclass
class Driven:
    """What came of driving an oracle: trials in the order of their start, and its last answer."""

    trials: list = field(default_factory=list)
    answer: str = ""

    def live(self):
        """Trials that ended well, by (bracket, round)."""
        good = [trial for trial in self.trials if trial.status == "COMPLETED" and not trial.message]
        return Counter(map(place_of, good))


def drive(oracle, *, outcome=finished, slots=1, before_step=None, after_finish=None, steps=1000):
    """Ask and answer as the search loop does until the oracle has no more; first in, first out.

    Args:
        outcome: trial -> record.
        before_step: oracle -> oracle, called before each question and each answer.
        after_finish: called with the oracle after each answer.
        steps: trials started at most, so that an oracle that never ends fails the test.
    """
    driven, running = Driven(), []
    names = (f"slot{number}" for number in itertools.count())
    seen = set()
    while True:
        while len(running) < slots:
            if before_step:
                oracle = before_step(oracle)
            trial = oracle.create_trial(next(names))
            driven.answer = trial.status
            if trial.status != "RUNNING":
                break
            assert len(seen) < steps, "the search does not end"
            seen.add(trial.trial_id)
            running.append(trial)
        if not running:
            driven.trials = [oracle.trials[trial_id] for trial_id in oracle.start_order]
            return driven
        oldest = running.pop(0)
        if before_step:
            oracle = before_step(oracle)
        oracle.finish(outcome(oldest))
        if after_finish:
            after_finish(oracle)
