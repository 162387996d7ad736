"""Batches that the training step makes on its device: those that `tf.data` would have made.

There is no GPU where these tests run. The device is the processor, which has all that the feed
asks of one.
"""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_trials import (
    assert_same_state,
    elsewhere,
    fresh,
    go_on,
    run_trial,
    state_of,
    values_for,
)

from data_pipeline.augment.augment import MIXES, POLICIES, augmenter
from data_pipeline.pixels.dataset import training_batches
from data_pipeline.pixels.device_feed import DeviceFeed, bytes_of
from models.adjustable import adjustable_dropout
from models.xla import can_be_compiled
from search.process.machine.gpus import Gpu
from search.trial import device_images
from search.trial.model_cache import ModelCache
from search.trial.training import XLA_PAYS, Training

PIXELS = np.random.default_rng(0).integers(0, 256, (23, 12, 10, 3), dtype=np.uint8)
TARGETS = np.arange(23, dtype=np.int32) % 3
STREAM = {"batch_size": 8, "seed": 7, "initial_epoch": 1, "epochs": 3}
SETTINGS = [
    {"policy": policy, "strength": 0.6, "erasing": 0.5, "mix": mix}
    for policy, mix in zip(POLICIES, list(MIXES)[1:], strict=True)
]


def made(augmentation, *, classes=3, resident=True):
    targets = TARGETS % classes
    feed = DeviceFeed(PIXELS, targets, num_classes=classes, device="CPU:0", resident=resident)
    stream = feed.stream(np.arange(2, 21), augmentation=augmentation, **STREAM)
    return [feed.batch(element) for element in stream]


def expected(augmentation, *, classes=3):
    augment = augmentation and augmenter(**augmentation)
    options = STREAM | {"num_classes": classes, "augment": augment}
    return list(training_batches(PIXELS, TARGETS % classes, np.arange(2, 21), **options))


@pytest.mark.parametrize("resident", [True, False])
@pytest.mark.parametrize(
    "augmentation", [None, {**SETTINGS[0], "strength": 0.0, "mix": "none"}, *SETTINGS]
)
def test_batches_are_those_of_the_pipeline(augmentation, resident):
    ours, theirs = made(augmentation, resident=resident), expected(augmentation)
    assert len(ours) == len(theirs) == 6
    for (images, labels), (other_images, other_labels) in zip(ours, theirs, strict=True):
        # To the last digits: how TensorFlow rewrites the graph of either is a setting.
        np.testing.assert_allclose(images, other_images, rtol=1e-5, atol=1e-3)
        np.testing.assert_allclose(labels, other_labels, rtol=1e-6)


def test_two_classes_have_one_column_and_images_are_float():
    (images, labels), *_ = made(None, classes=2)
    assert (images.dtype, images.shape, labels.shape) == ("float32", (8, 12, 10, 3), (8, 1))
    np.testing.assert_array_equal(labels, expected(None, classes=2)[0][1])


def test_what_is_not_resident_stays_out_of_the_memory_of_the_device():
    streams = {
        resident: DeviceFeed(
            PIXELS, TARGETS, num_classes=3, device="CPU:0", resident=resident
        ).stream(np.arange(20), **STREAM)
        for resident in (True, False)
    }
    assert streams[True].element_spec[0].shape == (8,)  # row numbers
    assert streams[False].element_spec[0].shape == (8, 12, 10, 3)


@pytest.fixture
def on_a_gpu(monkeypatch):
    """As if the processor were a GPU with so much memory free."""

    def pretend(free=10**9):
        monkeypatch.setattr(device_images, "gpu", lambda: "CPU:0")
        monkeypatch.setattr(device_images, "free_memory", lambda device: free)

    return pretend


@pytest.mark.parametrize("kind", ["cnn", "transfer, unfrozen after 3 epochs"])
@pytest.mark.usefixtures("one_number_for_one_sum")
def test_a_trial_has_the_weights_that_it_has_without(kind, scratch, transfer, tmp_path, on_a_gpu):
    experiment = transfer if kind.startswith("transfer") else scratch
    values = values_for(experiment, kind, **{"augmentation/strength": 0.3})
    alone = elsewhere(experiment, tmp_path / "alone")
    run_trial(alone, fresh(values=values, epochs=5), go_on)
    on_a_gpu()
    kept, fed = ModelCache(), elsewhere(experiment, tmp_path / "fed")
    # Of the same architecture, with other augmentation: the graph is shared.
    before = values_for(
        experiment, kind, **{"augmentation/strength": 0.0, "augmentation/mix": "cutmix"}
    )
    run_trial(fed, fresh("0007", configuration="0007", values=before), go_on, kept)
    run_trial(fed, fresh(values=values, epochs=5), go_on, kept)
    assert len(kept.feeds) == 1
    assert len(kept.models) <= 1  # none of two phases is kept
    assert_same_state(state_of(fed), state_of(alone))


def test_several_steps_are_one_call_where_a_gpu_makes_the_batches(scratch):
    values = values_for(scratch, "cnn", batch_size=8)
    many = Training(scratch, values, np.arange(24).repeat(20), seed=0)
    assert (many.steps, many.steps_per_execution) == (60, 1)
    feed = DeviceFeed(PIXELS, TARGETS, num_classes=3, device="CPU:0", resident=True)
    assert replace(many, feed=feed).steps_per_execution == 15


@pytest.mark.parametrize("kind", ["cnn", "xception", "transfer, unfrozen after 3 epochs"])
def test_a_step_that_xla_compiles_trains_the_same(kind, scratch, transfer, on_a_gpu):
    on_a_gpu()
    experiment = transfer if kind.startswith("transfer") else scratch
    family = kind.split(",")[0]
    values = values_for(experiment, kind, **{f"{family}/dropout": 0.0, "learning_rate": 1e-3})
    training = ModelCache().training(experiment, values, 0, lambda *_: None)
    found = []
    for config in (experiment.config, replace(experiment.config, max_epochs=XLA_PAYS)):
        each = replace(training, experiment=replace(experiment, config=config))
        model = each.build(dropout=adjustable_dropout)
        # The rate of the last epochs: else a schedule to another end would differ.
        model.compile(keras.optimizers.SGD(1e-3), "mse", jit_compile=False)
        each.feed.into(model, xla=each.xla_pays and can_be_compiled(model))
        model.fit(each.stream(0, 2), steps_per_epoch=each.steps, epochs=2, verbose=0)
        found.append(model.get_weights())
    for plain, compiled in zip(*found, strict=True):
        np.testing.assert_allclose(compiled, plain, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize(
    ("images", "epochs", "deterministic", "pays"),
    [(100, 5_000, False, True), (100, 4_999, False, False), (100, 5_000, True, False)],
)
def test_xla_pays_for_long_trainings(images, epochs, deterministic, pays, scratch):
    config = replace(scratch.config, max_epochs=epochs, deterministic=deterministic)
    values = values_for(scratch, "cnn")
    long = Training(replace(scratch, config=config), values, np.arange(images), seed=0)
    assert long.xla_pays is pays


@pytest.mark.parametrize(
    ("free", "held", "resident"), [(4, 0, True), (3, 0, False), (7, 1, True), (6, 1, False)]
)
def test_images_are_kept_where_those_of_all_sizes_take_a_quarter_of_the_memory_at_most(
    free, held, resident, scratch, on_a_gpu
):
    size = bytes_of(scratch.pixels, scratch.num_classes)
    on_a_gpu(free=free * size)
    feed = device_images.device_feed(scratch, held=held * size)
    assert (feed.resident, feed.nbytes) == (resident, size)


def test_images_of_another_size_count_what_lies_there(scratch, on_a_gpu, tmp_path):
    size = bytes_of(scratch.pixels, scratch.num_classes)
    on_a_gpu(free=5 * size)
    cache, values = ModelCache(), values_for(scratch, "cnn")
    other = replace(scratch, files={scratch.image_size: tmp_path / "other.npy"})
    feeds = [cache.training(each, values, 0, lambda *_: None).feed for each in (scratch, other)]
    assert [feed.resident for feed in feeds] == [True, False]
    assert cache.training(scratch, values, 0, lambda *_: None).feed is feeds[0]


def test_a_gpu_that_others_have_filled_meanwhile_gets_each_batch(scratch, on_a_gpu, monkeypatch):
    def full(*arguments, resident, **options):
        if resident:
            raise tf.errors.InternalError(None, None, "Dst tensor is not initialized.")
        return DeviceFeed(*arguments, resident=resident, **options)

    on_a_gpu()
    monkeypatch.setattr(device_images, "DeviceFeed", full)
    assert not device_images.device_feed(scratch).resident


def test_what_tensorflow_has_taken_and_does_not_use_is_free(monkeypatch):
    monkeypatch.setattr(device_images, "visible_gpus", lambda: (Gpu("0", free=100),))
    info = {"current": 30}
    monkeypatch.setattr(tf.config.experimental, "get_memory_info", lambda device: info)
    device_images._free_at_first.cache_clear()
    assert device_images.free_memory("GPU:0") == 70
    monkeypatch.setattr(device_images, "visible_gpus", lambda: (Gpu("0", free=5),))
    info["current"] = 90
    assert device_images.free_memory("GPU:0") == 10
    device_images._free_at_first.cache_clear()


def test_without_a_gpu_the_pipeline_makes_the_batches(scratch):
    assert device_images.device_feed(scratch) is None
    training = ModelCache().training(scratch, values_for(scratch, "cnn"), 0, lambda *_: None)
    assert training.feed is None


def test_features_of_a_frozen_backbone_are_streamed_as_they_are(transfer, on_a_gpu):
    on_a_gpu()
    values = values_for(transfer, "transfer, frozen")
    training = ModelCache().training(transfer, values, 0, lambda *_: None)
    assert training.feed is None


def test_a_model_that_is_compiled_for_a_second_phase_makes_each_batch_once():
    model = keras.Sequential(
        [keras.Input((12, 10, 3)), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    model.compile("sgd", "mse")
    feed = DeviceFeed(PIXELS, TARGETS, num_classes=3, device="CPU:0", resident=True)
    feed.into(model)
    feed.into(model)
    model.fit(feed.stream(np.arange(20), **STREAM), steps_per_epoch=3, epochs=1, verbose=0)
    assert np.isfinite(model.get_weights()[0]).all()
