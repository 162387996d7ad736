"""A search whose trials train nothing: the real loop, oracle and files, with made-up scores."""

import os

import keras_tuner
from fake_workers import score
from stopping import NEVER

from search.algorithms.halving.hyperband import HyperbandOracle
from search.run_folder.record_files import load_records
from search.run_folder.records import COMPLETED, TrialResult
from search.trial.checkpoint import TrainingState
from search.tuning.loop import Search


class FakeExecutor:
    """Ends each trial at once; notes each start in a log that outlives the process."""

    slots = 1
    max_starts = 20

    def __init__(self, run, outcome=None):
        self.run, self.outcome, self.spec = run, outcome, None

    def start(self, task):
        self.spec = task.spec
        log = os.open(self.run.path / "starts.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.pwrite(log, f"{task.spec.trial_id}\n".encode(), 0)
        os.close(log)

    def wait(self, report, stop):
        spec = self.spec
        if self.outcome and (result := self.outcome(spec)):
            return spec.trial_id, result
        if spec.parent is not None:
            state = TrainingState.load(self.run.checkpoint(spec.parent))
            assert state is not None, f"{spec.trial_id} was promoted without its parent's state"
            assert state.epoch == spec.initial_epoch
        TrainingState(spec.epochs, 0, [], []).save(self.run.checkpoint(spec.trial_id))
        value, best_epoch = score(spec), spec.epochs - 1
        history = [{"epoch": best_epoch, "val_accuracy": value}]
        return spec.trial_id, TrialResult(
            status=COMPLETED, history=history, score=value, best_epoch=best_epoch
        )


def space():
    hp = keras_tuner.HyperParameters()
    hp.Int("batch_size", 8, 4096)
    hp.Float("learning_rate", 1e-5, 1.0, sampling="log")
    return hp


def make_hyperband(run, *, max_epochs=3, factor=3, seed=0, baselines=(), **options):
    oracle = HyperbandOracle(
        baselines=list(baselines),
        seed=seed,
        directory=run.path,
        objective=keras_tuner.Objective("val_accuracy", "max"),
        hyperparameters=space(),
        max_epochs=max_epochs,
        factor=factor,
        **options,
    )
    if (run.path / "oracle" / "oracle.json").exists():
        oracle.reload()
    return oracle


def search_to_the_end(run, *, outcome=None, max_epochs=3, **options):
    """Run or resume; True when the oracle has no more."""
    oracle = make_hyperband(run, max_epochs=max_epochs, **options)
    executor = FakeExecutor(run, outcome)
    search = Search(run, oracle, executor, observers=[], max_epochs=max_epochs, stop=NEVER)
    return search.to_the_end()


def table(run):
    """What a search found, times and attempts left out."""
    return [
        (r.trial_id, r.configuration, r.values, r.rung, r.epochs, r.status, r.score)
        for r in load_records(run)
    ]
