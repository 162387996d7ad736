"""What models say of images that they did not see."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from judged import HEAD, copied_run, judged_run, telling_features, with_flipped
from recorded_progress import Recorded
from searching import trial_record
from small_trials import COUNT, values_for
from stopping import NEVER, StopWhen

from search.errors import TuneError
from search.label_errors import out_of_fold as module
from search.label_errors.out_of_fold import Judge, choose_judge, out_of_fold
from search.process.progress import Silent
from search.trial.experiment import Experiment
from search.trial.features.cache import FeatureCache
from search.trial.retrain import DivergedError

ALONE = np.arange(COUNT)


def judged(run, groups=ALONE, folds=3, **changes):
    experiment = Experiment.load(run)
    options = {"folds": folds, "stop": NEVER, "task": Silent()} | changes
    return out_of_fold(experiment, choose_judge(experiment), groups, **options)


@pytest.fixture
def heads(transfer, tmp_path):
    """A run whose best configuration is a head."""
    return judged_run(transfer, tmp_path, HEAD, epochs=2)


@pytest.fixture
def once(monkeypatch):
    """Images are dealt once: a third of the time."""
    monkeypatch.setattr(module, "HEAD_REPEATS", 1)


@pytest.fixture
def seen(monkeypatch):
    """Rows that each model was trained on and asked about; nothing is trained."""
    rounds = []
    trained = {}

    def train(training, model, **_):
        trained["rows"], trained["steps"] = training.rows, training.steps

    def predict(model, inputs, rows):
        rounds.append((trained["rows"], rows, trained["steps"]))
        return np.full((len(rows), 2), 0.5, np.float32)

    monkeypatch.setattr(module, "train_epochs", train)
    monkeypatch.setattr(module, "predict_rows", predict)
    return rounds


def test_no_image_is_judged_by_a_model_that_saw_it_or_a_copy(heads, seen):
    groups = ALONE.copy()
    groups[[3, 8, 21]] = 3  # of train and test, and of both classes
    judged(heads, groups)
    assert len(seen) == 3 * module.HEAD_REPEATS
    for trained, asked, _ in seen:
        assert not set(groups[trained]) & set(groups[asked])
        assert set(trained) | set(asked) == set(ALONE)


def test_every_image_is_judged_once_a_repeat_those_to_test_on_too(heads, seen):
    judged(heads)
    for start in range(0, len(seen), 3):
        asked = np.concatenate([rows for _, rows, _ in seen[start : start + 3]])
        assert sorted(asked) == ALONE.tolist()


def test_images_are_dealt_anew_in_each_repeat(heads, seen):
    judged(heads)
    dealt = {tuple(rows) for _, rows, _ in seen}
    assert len(dealt) > 3


def test_folds_of_different_sizes_train_for_equally_many_steps(heads, seen):
    judged(heads, folds=5)
    assert len({len(asked) for _, asked, _ in seen}) > 1
    assert len({(len(trained), steps) for trained, _, steps in seen}) == 1


def test_heads_share_one_compiled_model(heads, once, monkeypatch):
    compiled = []
    compile_ = keras.Model.compile

    def count(self, *args, **kwargs):
        compiled.append(self.name)
        return compile_(self, *args, **kwargs)

    monkeypatch.setattr(keras.Model, "compile", count)
    judged(heads)
    assert compiled == ["head"]


def test_flipped_labels_are_the_least_credible(heads, once, monkeypatch):
    monkeypatch.setattr(FeatureCache, "plain", telling_features)
    flips = [4, 15, 22]  # of train, validation and test
    experiment = with_flipped(heads, flips)
    record = choose_judge(experiment).record.with_outcome(best_epoch=9)
    judge = Judge(record, on_features=True)
    found = out_of_fold(experiment, judge, ALONE, folds=4, stop=NEVER, task=Silent())
    given = found[ALONE, experiment.targets]
    assert sorted(np.argsort(given)[:3]) == flips
    assert (given[flips] < 0.5).all()
    assert (np.delete(given, flips) > 0.5).all()


def test_the_same_run_is_judged_alike_again(heads, once, one_number_for_one_sum):
    first = judged(heads, folds=2)
    np.testing.assert_array_equal(judged(heads, folds=2), first)
    assert first.shape == (COUNT, 2)
    np.testing.assert_allclose(first.sum(axis=1), 1.0, atol=1e-6)


def test_features_of_all_images_stand_in_the_order_of_rows(heads, transfer):
    experiment = Experiment.load(heads)
    some = np.array([17, 2, 9])
    dealt = replace(experiment, train=some, validation=np.array([5]), test=np.array([20, 0]))
    hp = choose_judge(experiment).record.values
    training = module.Training(dealt, hp, rows=some, seed=0)
    bank = FeatureCache(dealt, training.hyperparameters())
    known = np.array([17, 2, 9, 5])
    before = bank.plain(known, lambda done, todo: None)[known].copy()
    rows_made = []
    lines = FeatureCache._lines
    bank._lines = lambda view, rows, number: (
        rows_made.extend(rows) or lines(bank, view, rows, number)
    )
    found = bank.plain(np.arange(COUNT), lambda done, todo: None)
    assert not set(rows_made) & {17, 2, 9, 5}  # they were there already
    np.testing.assert_array_equal(found[known], before)
    expected = bank.extractor.predict_on_batch(np.asarray(experiment.pixels))
    np.testing.assert_allclose(found, expected, atol=5e-4)


def test_a_head_judges_though_another_configuration_scored_better(transfer, tmp_path):
    run = copied_run(transfer, tmp_path)
    experiment = Experiment.load(run)
    unfrozen = values_for(experiment, "transfer, unfrozen after 3 epochs")
    head = values_for(experiment, HEAD)
    trial_record("0000", 0.9, values=unfrozen).save(run)
    assert choose_judge(experiment) == Judge(trial_record("0000", 0.9, values=unfrozen), False)
    trial_record("0001", 0.6, values=head).save(run)
    trial_record("0002", 0.7, values=head).save(run)
    trial_record("0003", None, values=head).save(run)
    judge = choose_judge(experiment)
    assert (judge.record.trial_id, judge.on_features) == ("0002", True)


def test_without_a_finished_trial_there_is_nobody_to_judge(transfer, tmp_path):
    experiment = Experiment.load(copied_run(transfer, tmp_path))
    with pytest.raises(TuneError, match="no trial has finished yet; go on with"):
        choose_judge(experiment)


def test_without_a_frozen_backbone_the_best_itself_is_trained_for_each_fold(
    scratch, tmp_path, monkeypatch
):
    run = judged_run(scratch, tmp_path, "cnn", **{"augmentation/strength": 0.0})
    trained = []
    real = module.train_epochs

    def count(training, *args, **options):
        trained.append(training)
        return real(training, *args, **options)

    monkeypatch.setattr(module, "train_epochs", count)
    told = Recorded()
    found = judged(run, folds=2, task=told)
    assert len(trained) == 2
    assert found.shape == (COUNT, 2)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-6)
    assert told.updates[-1] == (2, 2, "model 2 of 2")
    shares = [done / total for done, total, _ in told.updates]
    assert shares == sorted(shares)


def test_what_is_fine_tuned_starts_in_each_fold_from_a_probe_of_its_images(
    transfer, tmp_path, monkeypatch
):
    """A start from all images would know the labels of those that are asked about."""
    fine_tuned = {"transfer/unfreeze": 0.3, "transfer/head_units": 0}
    run = judged_run(transfer, tmp_path, HEAD, **fine_tuned)
    started, asked = [], []

    def train(training, model, **_):
        probe = training.start.__self__
        started.append((np.unique(training.rows), np.unique(probe.rows)))

    def predict(model, inputs, rows):
        asked.append(rows)
        assert np.any(inputs[rows] != 0, axis=tuple(range(1, inputs.ndim))).all()
        return np.full((len(rows), 2), 0.5, np.float32)

    monkeypatch.setattr(module, "train_epochs", train)
    monkeypatch.setattr(module, "predict_rows", predict)
    judged(run, folds=2)
    assert len(started) == 2
    for (rows, probed), held in zip(started, asked, strict=True):
        np.testing.assert_array_equal(rows, probed)
        assert not set(probed.tolist()) & set(held.tolist())


@pytest.mark.parametrize("calls", [0, 3])
def test_ctrl_c_ends_it_while_features_are_computed_or_heads_trained(heads, once, calls):
    left = [calls]

    def until():
        left[0] -= 1
        return left[0] < 0

    with pytest.raises(KeyboardInterrupt):
        judged(heads, stop=StopWhen(until))


def test_a_training_that_diverges_is_said(heads, monkeypatch):
    def diverge(*_, **__):
        raise DivergedError

    monkeypatch.setattr(module, "train_epochs", diverge)
    with pytest.raises(TuneError, match="a training diverged"):
        judged(heads)
