"""What a process keeps from trial to trial changes nothing but the time."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from small_trials import (
    assert_same_state,
    elsewhere,
    experiment_in,
    fresh,
    go_on,
    run_trial,
    state_of,
    task_of,
    values_for,
)

from search.executors.in_process import run_guarded
from search.process.machine.hardware import detect
from search.run_folder.records import COMPLETED, FAILED
from search.trial import model_cache as kept_module
from search.trial.model_cache import ModelCache
from search.trial.storage import RunFolderStorage

pytestmark = pytest.mark.usefixtures("one_number_for_one_sum")

# By kind: another configuration of the same architecture, whose trial comes before.
OTHER_NUMBERS = {
    "cnn": {
        "cnn/dropout": 0.5,
        "learning_rate": 5e-3,
        "schedule": "constant",
        "label_smoothing": 0.1,
        "augmentation/strength": 0.8,
        "augmentation/mix": "mixup",
    },
    "xception": {"xception/dropout": 0.1, "learning_rate": 1e-4, "warmup": 0.0, "hold": 0.45},
    "transfer, frozen": {
        "transfer/dropout": 0.4,
        "learning_rate": 1e-2,
        "label_smoothing": 0.05,
        "augmentation/strength": 0.0,
    },
}


def same_kind(experiment, kind):
    """Two configurations that share an architecture."""
    first = values_for(experiment, kind)
    return first, values_for(experiment, kind, **OTHER_NUMBERS[kind])


def guarded(experiment, record, report, models):
    storage = RunFolderStorage(experiment.run)
    task = task_of(experiment, record)
    return run_guarded(experiment, task, report, storage=storage, models=models)


@pytest.mark.parametrize(
    ("kind", "optimizer"),
    [
        ("cnn", "adam"),
        ("cnn", "sgd"),
        ("xception", "adamw"),
        ("transfer, frozen", "adam"),
        ("transfer, frozen", "sgd"),
    ],
)
def test_a_kept_model_gives_the_bits_of_a_new_one(kind, optimizer, scratch, transfer, tmp_path):
    experiment = transfer if kind.startswith("transfer") else scratch
    decay = {} if optimizer == "adam" else {"weight_decay": 1e-3}
    ours = values_for(experiment, kind, optimizer=optimizer, **decay)
    numbers = OTHER_NUMBERS[kind] | ({} if optimizer == "adam" else {"weight_decay": 1e-2})
    if optimizer == "sgd":
        numbers = numbers | {"sgd_learning_rate": 0.05}
    before = values_for(experiment, kind, optimizer=optimizer, **numbers)
    alone = elsewhere(experiment, tmp_path / "alone")
    expected = run_trial(alone, fresh(values=ours), go_on)
    shared, kept = elsewhere(experiment, tmp_path / "shared"), ModelCache()
    run_trial(shared, fresh("0007", configuration="0007", values=before), go_on, kept)
    found = run_trial(shared, fresh(values=ours), go_on, kept)
    assert len(kept.models) == 1
    assert found.history == expected.history
    assert found.score == expected.score
    assert_same_state(state_of(shared), state_of(alone))


def test_what_rare_classes_count_for_is_a_number_of_a_kept_model(scratch, tmp_path):
    targets = np.where(np.arange(len(scratch.targets)) % 4, 0, 1)
    unequal = replace(scratch, targets=targets, class_counts=tuple(np.bincount(targets)))
    ours = values_for(unequal, "cnn", class_weights="balanced")
    before = values_for(unequal, "cnn")
    assert before["class_weights"] == "none"
    alone = elsewhere(unequal, tmp_path / "alone")
    expected = run_trial(alone, fresh(values=ours), go_on)
    shared, kept = elsewhere(unequal, tmp_path / "shared"), ModelCache()
    other = run_trial(shared, fresh("0007", configuration="0007", values=before), go_on, kept)
    found = run_trial(shared, fresh(values=ours), go_on, kept)
    assert len(kept.models) == 1
    assert found.history == expected.history != other.history


IN_A_NEW_PROCESS = """
import sys
sys.path.insert(0, {tests!r})
from small_trials import fresh, go_on, run_trial, values_for
from pathlib import Path
from search.trial.experiment import Experiment
from search.process.machine.hardware import detect
from search.trial.keras_setup import set_up_training
from search.run_folder.paths import RunFolder
detect()
experiment = Experiment.load(RunFolder(Path({run!r})))
set_up_training(experiment.config)
run_trial(experiment, fresh(values=values_for(experiment, "cnn")), go_on)
"""


def test_a_kept_model_gives_the_bits_of_a_new_process(tmp_path):
    detect()  # as a worker does: it sets how graphs are optimised
    experiment = experiment_in(tmp_path)
    support = str(Path(__file__).parent / "support")
    code = IN_A_NEW_PROCESS.format(tests=support, run=str(experiment.run.path))
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, cwd=Path.cwd())
    expected = state_of(experiment)
    before, ours = reversed(same_kind(experiment, "cnn"))
    kept = ModelCache()
    run_trial(experiment, fresh("0007", configuration="0007", values=before), go_on, kept)
    run_trial(elsewhere(experiment, tmp_path / "here"), fresh(values=ours), go_on, kept)
    assert len(kept.models) == 1
    assert_same_state(state_of(elsewhere(experiment, tmp_path / "here")), expected)


@pytest.fixture
def traces(monkeypatch):
    """One entry for each time that a training step is traced: only then does Python run it."""
    found, original = [], keras.Model.train_step

    def train_step(model, data):
        found.append(model.name)
        return original(model, data)

    monkeypatch.setattr(keras.Model, "train_step", train_step)
    return found


@pytest.mark.parametrize("kind", OTHER_NUMBERS)
def test_one_architecture_is_traced_once(kind, scratch, transfer, tmp_path, traces):
    loaded = transfer if kind.startswith("transfer") else scratch
    experiment, kept = elsewhere(loaded, tmp_path), ModelCache()
    for number, values in enumerate(same_kind(experiment, kind)):
        run_trial(experiment, fresh(f"{number:04}", values=values), go_on, kept)
    assert (len(kept.models), len(traces)) == (1, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"cnn/filters": 16},
        {"cnn/dropout": 0.0},
        {"batch_size": 16},
        {"optimizer": "sgd"},
        {"optimizer": "adamw", "weight_decay": 0.01},
        {"augmentation/strength": 0.0},
    ],
)
def test_what_changes_the_graph_is_another_architecture(changes, scratch, tmp_path, traces):
    experiment, kept = elsewhere(scratch, tmp_path), ModelCache()
    first = values_for(experiment, "cnn")
    assert first["augmentation/strength"] > 0
    for number, values in enumerate((first, values_for(experiment, "cnn", **changes))):
        done = run_trial(experiment, fresh(f"{number:04}", values=values), go_on, kept)
        assert done.status == COMPLETED
    assert (len(kept.models), len(traces)) == (2, 2)


def test_a_promoted_trial_takes_up_the_model_of_its_first_rung(scratch, tmp_path, traces):
    experiment, kept = elsewhere(scratch, tmp_path), ModelCache()
    values = values_for(experiment, "cnn")
    run_trial(experiment, fresh(values=values, epochs=2), go_on, kept)
    model = next(iter(kept.models.values()))
    promoted = fresh("0001", values=values, initial_epoch=2, epochs=3, parent="0000", rung=1)
    assert [logs["epoch"] for logs in run_trial(experiment, promoted, go_on, kept).history] == [2]
    assert next(iter(kept.models.values())) is model
    assert len(traces) == 1


def test_no_more_are_kept_than_the_bound_and_the_oldest_goes(scratch, tmp_path, monkeypatch):
    monkeypatch.setattr(kept_module, "MAX_MODELS", 2)
    experiment, kept = elsewhere(scratch, tmp_path), ModelCache()
    for number, size in enumerate((8, 16, 8, 32)):
        values = values_for(experiment, "cnn", batch_size=size)
        run_trial(experiment, fresh(f"{number:04}", values=values, epochs=1), go_on, kept)
    sizes = [dict(key[:-2])["batch_size"] for key in kept.models]
    assert sizes == [8, 32]


def test_kernels_are_kept_for_a_known_architecture_but_not_for_ever(scratch, tmp_path, monkeypatch):
    forgotten = []
    monkeypatch.setattr(kept_module, "forget_kernels", lambda: forgotten.append(True))
    monkeypatch.setattr(kept_module, "MAX_KEPT_TRAININGS", 3)
    experiment, kept = elsewhere(scratch, tmp_path), ModelCache()
    numbers = []
    for number, size in enumerate((8, 8, 8, 8, 16, 8)):
        values = values_for(experiment, "cnn", batch_size=size)
        kept.model(kept.training(experiment, values, number, go_on))
        numbers.append(len(forgotten))
    # A new architecture, two of the same, too many, another one, and the first again.
    assert numbers == [1, 1, 1, 2, 3, 3]


def test_two_phases_are_not_kept(transfer, tmp_path):
    experiment, kept = elsewhere(transfer, tmp_path), ModelCache()
    values = values_for(experiment, "transfer, unfrozen after 3 epochs")
    assert run_trial(experiment, fresh(values=values, epochs=1), go_on, kept).status == COMPLETED
    assert not kept.models


def test_after_a_failure_nothing_is_kept(scratch, tmp_path, monkeypatch):
    experiment, kept = elsewhere(scratch, tmp_path), ModelCache()
    values = values_for(experiment, "cnn")
    assert guarded(experiment, fresh(values=values), go_on, kept).status == COMPLETED
    assert kept.models

    def broken(progress):
        raise RuntimeError("made to fail by a test")

    assert guarded(experiment, fresh("0001", values=values), broken, kept).status == FAILED
    assert not kept.models


def test_weights_of_a_new_trial_do_not_depend_on_what_was_trained_before(scratch, tmp_path):
    experiment, kept = elsewhere(scratch, tmp_path), ModelCache()
    values = values_for(experiment, "cnn")
    training = kept.training(experiment, values, 5, lambda done, todo: None)
    first = [np.array(v) for v in kept.model(training).variables]
    run_trial(experiment, fresh(values=values, epochs=1), go_on, kept)
    again = [np.array(v) for v in kept.model(training).variables]
    for mine, theirs in zip(first, again, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_nothing_of_a_diverged_trial_stays(scratch, tmp_path):
    experiment, kept = elsewhere(scratch, tmp_path), ModelCache()
    training = kept.training(experiment, values_for(experiment, "cnn"), 0, go_on)
    model = kept.model(training)
    optimizer = model.optimizer
    for variable in (*model.trainable_variables, *optimizer.variables):
        if "float" in variable.dtype:
            variable.assign(np.full(variable.shape, np.nan))
    assert kept.model(training) is model
    for variable in (*model.variables, *optimizer.variables):
        assert np.isfinite(np.array(variable)).all(), variable.path
