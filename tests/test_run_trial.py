"""Trials of tiny models on tiny images, through `run_trial` alone."""

import json
import pickle
from dataclasses import asdict, replace

import numpy as np
import pytest
from small_trials import (
    EPOCHS,
    SMALL,
    assert_same_state,
    elsewhere,
    fresh,
    go_on,
    run_trial,
    state_of,
    stop_after_epoch,
    values_for,
)

from search.evaluation.metrics import prediction_metrics
from search.run_folder.records import COMPLETED, DIVERGED, STOPPED
from search.trial import run_trial as module
from search.trial.checkpoint import TrainingState
from search.trial.messages import TrialTask

pytestmark = pytest.mark.usefixtures("one_number_for_one_sum")


@pytest.fixture(scope="module", params=list(SMALL))
def whole(request, scratch, transfer, tmp_path_factory):
    """(experiment, finished record) of each kind, trained for 10 epochs without a break."""
    loaded = transfer if request.param.startswith("transfer") else scratch
    experiment = elsewhere(loaded, tmp_path_factory.mktemp("whole"))
    values = values_for(loaded, request.param)
    return experiment, run_trial(experiment, fresh(values=values, epochs=EPOCHS), go_on)


def test_a_trial_completes_with_the_best_of_its_history_and_the_predictions_behind_it(whole):
    experiment, done = whole
    assert (done.status, done.reason) == (COMPLETED, "")
    accuracies = [logs["val_accuracy"] for logs in done.history]
    assert [logs["epoch"] for logs in done.history] == list(range(EPOCHS))
    assert done.score == max(accuracies)
    assert done.best_epoch == accuracies.index(done.score)
    assert done.parameters > 0
    probabilities = np.load(experiment.run.predictions("0000"))
    assert probabilities.shape == (6, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    measured = prediction_metrics(probabilities, experiment.targets[experiment.validation])
    for name, value in measured.items():
        assert done.history[done.best_epoch][f"val_{name}"] == value


def test_stopped_after_3_epochs_and_promoted_after_4_a_trial_is_10_epochs_to_the_bit(
    whole, tmp_path
):
    experiment, uncut = whole
    cut = elsewhere(experiment, tmp_path)
    stopped = run_trial(cut, fresh(values=uncut.values, epochs=4), stop_after_epoch(3))
    assert stopped.status == STOPPED
    assert not stopped.finished
    assert stopped.history == uncut.history[:3]
    # Its score is believed by `export-best --seeds 0`, which needs what is behind it.
    assert cut.run.predictions(stopped.trial_id).exists()
    first = run_trial(cut, stopped, go_on)
    assert (first.status, first.history) == (COMPLETED, uncut.history[:4])
    promoted = fresh("0001", values=uncut.values, initial_epoch=4, epochs=10, parent="0000", rung=1)
    second = run_trial(cut, promoted, go_on)
    assert second.history == uncut.history[4:]
    assert_same_state(state_of(cut, "0001"), state_of(experiment))


def test_a_batch_that_was_halved_for_memory_leaves_the_schedule_where_it_is(scratch, tmp_path):
    """Twice as many steps per epoch: the rate at an epoch is that of its share of all epochs."""
    experiment = elsewhere(scratch, tmp_path)
    values = values_for(scratch, "cnn", batch_size=16, schedule="cosine", warmup=0.0)
    first = fresh(values=values, epochs=3)
    run_trial(experiment, replace(first, batch_size=8), go_on)
    on = fresh("0001", values=values, initial_epoch=3, epochs=6, parent="0000", rung=1)
    whole = run_trial(experiment, fresh("0002", values=values, epochs=6), go_on)
    for batch_size in (None, 8):
        found = run_trial(experiment, replace(on, batch_size=batch_size), go_on)
        # The rate follows the batch.
        rates = [16 / (batch_size or 16) * logs["learning_rate"] for logs in found.history]
        assert rates == pytest.approx([logs["learning_rate"] for logs in whole.history[3:]])
        experiment.run.checkpoint("0001").unlink()


@pytest.fixture
def small(scratch, tmp_path):
    """The quickest: (experiment, values of a small CNN)."""
    return elsewhere(scratch, tmp_path), values_for(scratch, "cnn")


def test_a_model_learns_what_can_be_learned(small):
    experiment, values = small
    values |= {"learning_rate": 1e-2, "schedule": "constant", "augmentation/strength": 0.0}
    done = run_trial(experiment, fresh(values=values, epochs=EPOCHS), go_on)
    assert done.score == 1.0
    assert done.history[-1]["loss"] < done.history[0]["loss"]


def test_a_loss_that_is_no_number_makes_a_diverged_trial_with_a_reason(scratch, tmp_path):
    experiment = elsewhere(scratch, tmp_path)
    values = values_for(
        scratch, "cnn", optimizer="sgd", sgd_learning_rate=1e30, momentum=0.9, schedule="constant"
    )
    values["cnn/normalization"] = "none"
    done = run_trial(experiment, fresh(values=values), go_on)
    assert done.status == DIVERGED
    assert done.finished
    assert "nan" in done.reason or "inf" in done.reason or "not numbers" in done.reason
    assert done.score is None
    assert not experiment.run.predictions("0000").exists()
    done.save(experiment.run)  # a number that JSON lacks would raise


def test_a_trial_stopped_in_its_first_epoch_starts_again_from_nothing(small, monkeypatch):
    experiment, values = small
    monkeypatch.setattr("search.trial.callback.REPORT_SECONDS", 0.0)
    stopped = run_trial(experiment, fresh(values=values), lambda progress: False)
    assert (stopped.status, stopped.history, stopped.score) == (STOPPED, [], None)
    assert state_of(experiment) is None
    assert len(run_trial(experiment, stopped, go_on).history) == 3


def test_progress_tells_every_epoch_and_its_last_step(small):
    experiment, values = small
    told = []
    run_trial(experiment, fresh(values=values), lambda progress: told.append(progress) or True)
    ends = [progress for progress in told if progress.logs]
    assert [progress.epoch for progress in ends] == [0, 1, 2]
    assert all(progress.step == progress.steps == 2 for progress in ends)  # 14 images, 8 a batch


def test_the_same_seed_gives_the_same_history_and_another_seed_another(small, tmp_path):
    experiment, values = small
    first = run_trial(experiment, fresh(values=values), go_on)
    again = run_trial(elsewhere(experiment, tmp_path / "again"), fresh(values=values), go_on)
    other = elsewhere(
        replace(experiment, config=replace(experiment.config, seed=1)), tmp_path / "other"
    )
    assert again.history == first.history
    assert run_trial(other, fresh(values=values), go_on).history != first.history


def test_two_configurations_with_equal_values_start_from_other_weights(small, tmp_path):
    experiment, values = small
    first = run_trial(experiment, fresh(values=values), go_on)
    second = run_trial(
        elsewhere(experiment, tmp_path / "second"),
        fresh("0001", configuration="0001", values=values),
        go_on,
    )
    assert second.history != first.history


def test_a_state_is_saved_in_between_where_much_would_be_lost(small, monkeypatch):
    experiment, values = small
    monkeypatch.setattr("search.trial.callback.CHECKPOINT_SHARE", 1e9)
    saved = []
    monkeypatch.setattr(TrainingState, "save", lambda state, path: saved.append(state.epoch))
    run_trial(experiment, fresh(values=values), go_on)
    assert saved == [1, 2, 3]


def test_the_objective_decides_which_epoch_is_the_best(small):
    experiment, values = small
    experiment = replace(experiment, config=replace(experiment.config, objective="val_loss"))
    done = run_trial(experiment, fresh(values=values), go_on)
    losses = [logs["val_loss"] for logs in done.history]
    assert done.score == min(losses)
    assert done.best_epoch == losses.index(min(losses))


class InMemory:
    """A storage that is no folder: what another machine would have."""

    def __init__(self):
        self.states, self.predictions = {}, {}

    def load_state(self, trial_id):
        return self.states.get(trial_id)

    def save_state(self, trial_id, state):
        self.states[trial_id] = state

    def save_predictions(self, trial_id, probabilities):
        self.predictions[trial_id] = probabilities


def test_a_trial_takes_and_returns_plain_values_and_touches_nothing_but_its_storage(small):
    experiment, values = small
    there = {path: path.stat().st_mtime_ns for path in experiment.run.path.rglob("*")}
    storage, spec = InMemory(), fresh(values=values).spec
    task = pickle.loads(pickle.dumps(TrialTask(spec)))
    result = module.run_trial(experiment, task, go_on, storage=storage)
    assert pickle.loads(pickle.dumps(result)) == result
    assert json.loads(json.dumps(asdict(result))) == asdict(result)
    assert storage.states["0000"].epoch == 3
    assert storage.predictions["0000"].shape == (6, 2)
    promoted = fresh("0001", values=values, initial_epoch=3, epochs=5, parent="0000", rung=1).spec
    second = module.run_trial(experiment, TrialTask(promoted), go_on, storage=storage)
    assert [logs["epoch"] for logs in second.history] == [3, 4]
    assert {p: p.stat().st_mtime_ns for p in experiment.run.path.rglob("*")} == there
