"""Features of frozen backbones: what the whole model computes, once."""

import errno
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from small_trials import (
    elsewhere,
    fresh,
    go_on,
    run_trial,
    state_of,
    transfer_experiment,
    values_for,
)

from data_pipeline.augment.augment import augmenter
from search.run_folder.images_disk import ImagesDisk
from search.run_folder.records import COMPLETED, STOPPED
from search.trial.features import cache as feature_cache
from search.trial.features import view_files
from search.trial.features.cache import FeatureCache
from search.trial.features.views import VIEWS, View, views_of
from search.trial.model_cache import ModelCache
from search.trial.predictions import predict_rows
from search.trial.training import Training

KIND = "transfer, frozen"


@pytest.fixture
def experiment(transfer, tmp_path):
    """Transfer, with features of its own."""
    return with_pixels(elsewhere(transfer, tmp_path), tmp_path / "pixels.npy")


def with_pixels(experiment, path):
    """The same, its features beside another file of pixels."""
    return replace(experiment, files={experiment.image_size: path})


def bank_of(experiment, **changes):
    values = values_for(experiment, KIND, **changes)
    training = Training(experiment, values, rows=experiment.train, seed=0)
    return FeatureCache(experiment, training.hyperparameters())


def quiet(done, todo):
    return None


def augmentation(**changes):
    plain = {"strength": 0.3, "policy": "basic", "erasing": 0.0, "mix": "none"}
    return {f"augmentation/{name}": value for name, value in (plain | changes).items()}


@pytest.mark.parametrize("upscale", [1.0, 2.0])
def test_the_score_is_that_of_the_whole_model(experiment, upscale):
    values = values_for(experiment, KIND, **{"transfer/image_size": round(32 * upscale)})
    done = run_trial(experiment, fresh(values=values), go_on)
    last = replace(done, trial_id="0001", initial_epoch=2, epochs=3)  # its state is of the end
    whole = Training(experiment, values, rows=experiment.train, seed=0)
    model = whole.build()
    state = state_of(experiment)
    head = model.get_layer("head")
    for variable, array in zip(head.variables, state.weights, strict=True):
        variable.assign(array)
    by_whole = predict_rows(model, experiment.pixels, experiment.validation)
    kept = ModelCache()
    training = kept.training(experiment, values, 0, quiet)
    small = kept.model(training)
    for variable, array in zip(small.variables, state.weights, strict=True):
        variable.assign(array)
    np.testing.assert_allclose(training.validate(small), by_whole, atol=5e-5)
    accuracy = np.mean(by_whole.argmax(axis=1) == experiment.targets[experiment.validation])
    assert last.history[-1]["val_accuracy"] == pytest.approx(accuracy)
    assert done.parameters == model.count_params()


def test_epochs_go_through_the_views_in_turn():
    views = views_of(augmentation())
    assert [view.name for view in views[:2]] == ["plain", "flipped"]
    assert len(views) == VIEWS
    assert len({view.name for view in views}) == len({view.seed for view in views[2:]}) + 2
    assert all(view.augmentation["strength"] == 0.3 for view in views[2:])


def test_a_strength_added_up_in_steps_is_that_strength():
    added = [view.name for view in views_of(augmentation(strength=0.1 + 0.2))]
    assert added == [view.name for view in views_of(augmentation(strength=0.3))]


def test_without_augmentation_there_is_one_view():
    assert views_of(augmentation(strength=0.0)) == [View("plain")]


def test_without_strength_nothing_is_flipped():
    views = views_of(augmentation(strength=0.0, erasing=0.5))
    assert [view.flipped for view in views] == [False] * VIEWS


def test_plain_and_flipped_serve_every_strength():
    mild, strong = views_of(augmentation(strength=0.1)), views_of(augmentation(strength=0.9))
    assert mild[:2] == strong[:2]
    assert not set(map(lambda view: view.name, mild[2:])) & {view.name for view in strong[2:]}


def features_of(experiment, bank, images):
    """What the backbone makes of images, straight."""
    return bank.extractor.predict_on_batch(np.asarray(images))


def test_each_view_is_of_the_images_that_it_names(experiment):
    bank, rows = bank_of(experiment), experiment.train
    pictures = experiment.pixels[rows]
    plain, labels = (array[rows] for array in bank.training(View("plain"), rows, quiet))
    np.testing.assert_allclose(plain, features_of(experiment, bank, pictures), atol=5e-4)
    flipped = bank.training(View("flipped", flipped=True), rows, quiet)[0][rows]
    expected = features_of(experiment, bank, pictures[:, :, ::-1])
    np.testing.assert_allclose(flipped, expected, atol=5e-4)
    assert not np.allclose(plain, flipped, atol=1e-3)
    assert labels[:, 0].tolist() == experiment.targets[experiment.train].tolist()
    first, second = (
        bank.training(view, rows, quiet)[0][rows] for view in views_of(augmentation())[2:]
    )
    assert not np.allclose(first, second, atol=1e-3)
    assert not np.allclose(first, plain, atol=1e-3)


def test_each_epoch_of_a_head_trains_on_its_own_view(experiment):
    values = values_for(experiment, KIND)
    training = ModelCache().training(experiment, values, 0, quiet)
    batches = list(training.batches(1, 6))
    assert len(batches) == 5 * training.steps
    views = views_of(values)
    for number, (features, _) in enumerate(batches):
        view = views[(1 + number // training.steps) % len(views)]
        of_view = training.feature_cache.training(view, experiment.train, quiet)[0]
        for line in features.numpy():
            assert (of_view == line).all(axis=1).any()


@pytest.mark.parametrize("mix", ["mixup", "cutmix"])
def test_mixed_images_have_mixed_labels(experiment, mix):
    bank = bank_of(experiment)
    view = views_of(augmentation(strength=0.0, mix=mix))[1]
    train = experiment.train
    features, labels = (array[train] for array in bank.training(view, train, quiet))
    assert features.shape[1:] == bank.shape
    rows = experiment.train[np.arange(64) % len(experiment.train)]
    expected = experiment.targets[rows].astype(np.float32)[:, None]
    augment = augmenter(policy="basic", strength=0.0, erasing=0.0, mix=mix)
    images, mixed = augment(experiment.pixels[rows], expected, np.array([view.seed, 0]))
    np.testing.assert_allclose(labels, mixed[: len(labels)], atol=1e-5)
    assert set(np.unique(labels)) - {0.0, 1.0}
    expected = features_of(experiment, bank, images)[: len(labels)]
    np.testing.assert_allclose(features, expected, atol=5e-4)


def test_features_are_computed_once_for_all_trials_and_processes(experiment, monkeypatch):
    values = values_for(experiment, KIND)
    first = run_trial(experiment, fresh(values=values), go_on)

    def never(*_):
        raise AssertionError("computed again")

    monkeypatch.setattr(FeatureCache, "_lines", never)
    monkeypatch.setattr(type(experiment.classifier), "build_extractor", never)
    again = run_trial(experiment, fresh(values=values), go_on, ModelCache())
    assert again.history == first.history


@pytest.mark.parametrize("changed", ["weights", "pixels", "size"])
def test_what_features_depend_on_makes_new_ones(changed, experiment, tmp_path):
    bank_of(experiment).plain(experiment.train, quiet)
    other = experiment
    if changed == "weights":
        (tmp_path / "other").mkdir()
        config = transfer_experiment(tmp_path / "other", seed=3).config
        path = tmp_path / "other" / "own.weights.h5"
        path.write_bytes(path.read_bytes() + b"\0")
        other = replace(experiment, config=config)
    elif changed == "pixels":
        other = with_pixels(experiment, tmp_path / "more.npy")
    bank = bank_of(other, **({"transfer/image_size": 64} if changed == "size" else {}))
    before = set(tmp_path.rglob("*.f32"))
    bank.plain(experiment.train, quiet)
    assert len(set(tmp_path.rglob("*.f32")) - before) == 1


def test_work_that_was_interrupted_goes_on_where_it_stopped(experiment, monkeypatch):
    monkeypatch.setattr(feature_cache, "BATCH", 4)
    rows = np.concatenate([experiment.train, experiment.validation])
    expected = bank_of(experiment).plain(rows, quiet)[rows].copy()
    for path in experiment.features.rglob("*.f32"):
        path.unlink()

    def stop_at_third(done, todo):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bank_of(experiment).plain(rows, stop_at_third)
    resumed = []
    found = bank_of(experiment).plain(rows, lambda done, todo: resumed.append((done, todo)))
    np.testing.assert_array_equal(found[rows], expected)
    assert resumed == [(0, 2), (1, 2), (2, 2)]  # 8 of 14 + 6 images are left, 4 a batch


def test_more_images_are_added_to_those_that_are_there(experiment, monkeypatch):
    bank, made = bank_of(experiment), []
    lines = FeatureCache._lines
    monkeypatch.setattr(
        FeatureCache,
        "_lines",
        lambda self, view, rows, number: made.append(set(rows)) or lines(self, view, rows, number),
    )
    few = bank.plain(experiment.train[:5], quiet)[experiment.train[:5]].copy()
    all_of_them = bank.plain(experiment.train, quiet)
    np.testing.assert_array_equal(all_of_them[experiment.train[:5]], few)
    assert made == [set(experiment.train[:5]), set(experiment.train[5:])]


def test_a_trial_that_is_stopped_while_features_are_computed_goes_on_later(experiment):
    values = values_for(experiment, KIND)
    told = []

    def stop(progress):
        told.append(progress)
        return False

    stopped = run_trial(experiment, fresh(values=values), stop)
    assert (stopped.status, stopped.history) == (STOPPED, [])
    assert told[0].before == "computing features"
    assert run_trial(experiment, stopped, go_on).status == COMPLETED


def test_the_views_used_longest_ago_give_way(experiment, monkeypatch):
    bank = bank_of(experiment)
    bank.training(View("flipped", flipped=True), experiment.train, quiet)
    bank.plain(experiment.train, quiet)
    size = sum(path.stat().st_blocks for path in experiment.features.rglob("*.f32"))
    for age, path in enumerate(experiment.features.rglob("flipped*.f32")):
        import os

        os.utime(path, (age, age))
    monkeypatch.setattr(view_files, "free_bytes", lambda folder: 0)
    monkeypatch.setattr(ImagesDisk, "features", lambda disk, free, count: free)
    random = views_of(augmentation())[2]
    bank.training(random, experiment.train, quiet)
    names = sorted(path.stem.split("-")[0] for path in experiment.features.rglob("*.f32"))
    assert names == ["basic", "plain"]
    noted = {path.stem for path in experiment.features.rglob("*.rows")}
    assert noted == {path.stem for path in experiment.features.rglob("*.f32")}
    assert sum(p.stat().st_blocks for p in experiment.features.rglob("*.f32")) <= size


def test_a_view_that_is_deleted_meanwhile_is_made_once_more(experiment, monkeypatch):
    kept = bank_of(experiment).plain(experiment.train, quiet).copy()
    original, deleted = feature_cache.os.utime, []

    def utime(path):
        if not deleted:
            deleted.append(path)
            shutil.rmtree(experiment.features)  # as `tune cache --clear` does
        original(path)

    monkeypatch.setattr(feature_cache.os, "utime", utime)
    again = bank_of(experiment).plain(experiment.train, quiet)
    assert len(deleted) == 1
    np.testing.assert_array_equal(again[experiment.train], kept[experiment.train])


def test_one_worker_computes_and_the_other_waits(experiment):
    bank = bank_of(experiment)
    waited = []

    def tell(done, todo):
        waited.append((done, todo))
        if len(waited) == 3:  # who computes is done after two
            raise KeyboardInterrupt

    view = View("flipped", flipped=True)
    path = bank.folder / f"{view.name}.f32"
    with view_files.locked_view(path, quiet), pytest.raises(KeyboardInterrupt):
        bank.training(view, experiment.train, tell)
    assert waited == [(0, 1)] * 3


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK])
def test_on_a_disk_without_locks_views_are_made_and_give_way(tmp_path, monkeypatch, number):
    def none_here(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(view_files.fcntl, "flock", none_here)
    path = tmp_path / "net" / "plain.f32"
    with view_files.locked_view(path, quiet):
        assert not view_files._is_being_made(path)
