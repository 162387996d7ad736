"""What a search writes for TensorBoard: one run a configuration, and what was best so far."""

import math

import pytest
import tensorflow as tf
from logged_runs import begin, end, epoch, log_of, trial, written
from small_trials import elsewhere, experiment_in, values_for

from search.observers import tensorboard
from search.observers.tensorboard import run_name
from search.run_folder.records import STOPPED
from search.trial.experiment import Experiment
from search.trial.training import Training


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return experiment_in(tmp_path_factory.mktemp("prepared"), families=("cnn", "xception"))


@pytest.fixture
def run(prepared, tmp_path):
    return elsewhere(prepared, tmp_path)


@pytest.fixture
def values(prepared):
    return values_for(prepared, "cnn")


def runs_of(experiment):
    return sorted(path.name for path in experiment.run.tensorboard.iterdir())


def test_the_rungs_of_a_configuration_are_one_run_named_after_it(run, values):
    log = log_of(run)
    trial(log, "0000", values, [0.5])
    trial(log, "0001", values_for(run, "xception"), [0.6])
    trial(log, "0002", values, [0.7, 0.6], first=1, rung=1, parent="0000", configuration="0000")
    assert runs_of(run) == ["0000 cnn 8 filters", "0001 xception ×0.125", "pictures"]
    found = written(run.run.tensorboard / "0000 cnn 8 filters")
    assert found["accuracy/validation"] == [(1, 0.5), (2, 0.7), (3, 0.6)]
    assert found["best/val_accuracy"] == [(1, 0.5), (2, 0.7), (3, 0.7)]
    assert found["cost/seconds"] == [(1, 2.0), (3, 4.0)]
    assert found["cost/weights"] == [(1, 1000.0), (3, 1000.0)]


def test_a_log_that_cannot_be_written_ends_no_search(run, values, monkeypatch):
    log = log_of(run)

    def full(*_, **__):
        raise tf.errors.ResourceExhaustedError(None, None, "disk quota exceeded")

    monkeypatch.setattr(tf.summary, "scalar", full)
    with pytest.warns(UserWarning, match="nothing more is written for TensorBoard .disk quota"):
        trial(log, "0000", values, [0.5])
    trial(log, "0001", values, [0.6])  # once is enough
    assert "0001" not in {name.split()[0] for name in runs_of(run)}


def test_what_belongs_to_no_configuration_is_there_at_once(run, values):
    pictures = run.run.tensorboard / "pictures"
    log = log_of(run)
    assert "_hparams_/experiment" in written(pictures)
    record = begin(log, "0000", {**values, "augmentation/strength": 0.5})
    assert "training images, before and after augmentation" in written(pictures)
    end(log, record, [epoch(log, record, 0, 0.5)])
    assert "confusion matrix of the best" in written(pictures)


def test_the_other_scores_are_those_of_the_best_epoch(run, values):
    log = log_of(run)
    record = begin(log, "0000", values)
    epoch(log, record, 0, 0.8, val_auc=0.7, val_loss=0.5)
    epoch(log, record, 1, 0.6, val_auc=0.9, val_loss=0.1)
    found = written(run.run.tensorboard / run_name(run.run.tensorboard, record))
    assert [found[f"best/{name}"][-1] for name in ("val_accuracy", "val_auc", "val_loss")] == [
        (2, 0.8),
        (2, 0.7),
        (2, 0.5),
    ]


def test_the_best_loss_is_the_least(tmp_path):
    run = experiment_in(tmp_path, objective="val_loss")
    log = log_of(run)
    record = begin(log, "0000", values_for(run, "cnn"))
    for number, loss in enumerate([0.5, 0.3, 0.4]):
        epoch(log, record, number, 0.5, val_loss=loss)
    found = written(run.run.tensorboard / "0000 cnn 8 filters")
    assert found["best/val_loss"] == [(1, 0.5), (2, 0.3), (3, 0.3)]


def test_who_looks_on_during_a_trial_sees_each_epoch(run, values):
    log = log_of(run)
    record = begin(log, "0000", values)
    folder = run.run.tensorboard / "0000 cnn 8 filters"
    assert "_hparams_/session_start_info" in written(folder)
    epoch(log, record, 0, 0.5)
    assert written(folder)["loss/validation"] == [(1, 0.5)]


def test_a_probe_that_begins_in_a_later_rung_has_its_values_too(run, values):
    log = log_of(run)
    begin(log, "0000", values, rung=2)
    assert "_hparams_/session_start_info" in written(run.run.tensorboard / "0000 cnn 8 filters")
    begin(log, "0001", values, rung=1, parent="0000", configuration="0000")


def test_a_resumed_trial_goes_on_in_its_folder_whatever_that_was_called(run, values):
    log = log_of(run)
    record = begin(log, "0000", values)
    told = [epoch(log, record, 0, 0.8)]
    end(log, record, told, status="stopped")
    (run.run.tensorboard / "0000 cnn 8 filters").rename(run.run.tensorboard / "0000")
    (run.run.tensorboard / "00001 another").mkdir()
    log = log_of(run)
    log.trial_started(record.with_outcome(history=told).save(run.run))
    end(log, record, [*told, epoch(log, record, 1, 0.6)])
    assert runs_of(run) == ["0000", "00001 another", "pictures"]
    found = written(run.run.tensorboard / "0000")
    assert found["accuracy/validation"] == [(1, 0.8), (2, 0.6)]
    assert found["best/val_accuracy"] == [(1, 0.8), (2, 0.8)]


def test_what_failed_or_diverged_has_a_cost_and_no_best(run, values):
    log = log_of(run)
    trial(log, "0000", values, [], outcome={"status": "failed", "reason": "out of memory"})
    record = begin(log, "0001", values)
    told = epoch(log, record, 0, math.nan, loss=math.nan)
    end(log, record, [], status="diverged", reason=f"loss is {told['loss']}")
    for name in ("0000 cnn 8 filters", "0001 cnn 8 filters"):
        found = written(run.run.tensorboard / name)
        assert found["cost/seconds"] == [(0, 2.0)]
        assert "best/val_accuracy" not in found


def test_each_new_leader_has_its_confusion_matrix(run, values):
    log = log_of(run)
    for number, score in enumerate([0.5, 0.4, 0.8]):
        trial(log, f"{number:04d}", values, [score])
    found = written(run.run.tensorboard / "pictures")
    assert found["confusion matrix of the best"] == [(0, None), (2, None)]


def test_a_leader_that_is_stopped_has_no_confusion_matrix_yet(run, values):
    log = log_of(run)
    record = begin(log, "0000", values)
    told = epoch(log, record, 0, 0.9)
    end(log, record, [told], status=STOPPED)
    trial(log, "0001", values, [0.5], configuration="0001")
    found = written(run.run.tensorboard / "pictures")
    assert found["confusion matrix of the best"] == [(1, None)]


def test_a_resumed_search_knows_what_led_before(run, values):
    trial(log_of(run), "0000", values, [0.9])
    trial(log_of(run), "0001", values, [0.5], configuration="0001")
    found = written(run.run.tensorboard / "pictures")
    assert found["confusion matrix of the best"] == [(0, None)]


def test_the_first_configuration_that_is_augmented_shows_how(run, values):
    log = log_of(run)
    name = "training images, before and after augmentation"
    begin(log, "0000", values | {"augmentation/strength": 0.0})
    assert name not in written(run.run.tensorboard / "pictures")
    begin(log, "0001", values | {"augmentation/strength": 0.5})
    begin(log, "0002", values | {"augmentation/strength": 0.5})
    assert written(run.run.tensorboard / "pictures")[name] == [(0, None)]


@pytest.mark.parametrize(("first", "of"), [(24, 24), (9, 9), (0, 24)])
def test_images_are_shown_of_some_spread_over_all(run, values, first, of, monkeypatch):
    """A batch of a million took a tenth of a gigabyte."""
    monkeypatch.setattr(Experiment, "prepared", lambda experiment: {(16, 16): first})
    monkeypatch.setattr(tensorboard, "SHOWN_OF", 5)
    taken = []

    def training(experiment, values, *, rows, seed):
        taken.append(rows.tolist())
        return Training(experiment, values, rows=rows, seed=seed)

    monkeypatch.setattr(tensorboard, "Training", training)
    begin(log_of(run), "0000", values | {"augmentation/strength": 0.5})
    there = [row for row in run.train.tolist() if row < of]
    assert taken == [there[:: len(there) // 5][:5]] * 2
    assert "training images, before and after augmentation" in written(
        run.run.tensorboard / "pictures"
    )
