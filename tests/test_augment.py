import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.augment.augment import MIXES, POLICIES, _traced, augmenter

SEED = tf.constant([11, 2], tf.int64)


def batch(count=16, height=24, width=20, classes=3):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    return tf.constant(images), tf.one_hot(rng.integers(0, classes, count), classes)


def augment(images, labels, seed=SEED, **changes):
    settings = {"policy": "basic", "strength": 0.0, "erasing": 0.0, "mix": "none", **changes}
    return augmenter(**settings)(images, labels, seed)


def test_there_is_no_augmenter_where_nothing_is_asked_for():
    assert augmenter(policy="basic", strength=0.0, erasing=0.0, mix="none") is None


def test_an_unknown_policy_or_mix_is_refused():
    with pytest.raises(ValueError, match="expected one of basic, randaugment"):
        augmenter(policy="auto", strength=0.5, erasing=0.0, mix="none")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("mix", MIXES)
def test_images_come_out_as_float_pixels_and_differ_with_the_seed_alone(policy, mix):
    images, labels = batch()
    settings = {"policy": policy, "strength": 0.7, "erasing": 0.5, "mix": mix}
    first, targets = augment(images, labels, **settings)
    again, targets_again = augment(images, labels, **settings)
    other, _ = augment(images, labels, tf.constant([11, 3], tf.int64), **settings)
    assert first.dtype == targets.dtype == tf.float32
    assert first.shape == images.shape
    assert 0 <= tf.reduce_min(first) <= tf.reduce_max(first) <= 255
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(targets, targets_again)
    assert not np.array_equal(first, other)


def test_labels_stay_as_they_are_without_mixing():
    images, labels = batch()
    _, given = augment(images, labels, strength=1.0, erasing=1.0)
    np.testing.assert_array_equal(given, labels)


def test_at_strength_nothing_images_are_only_mixed():
    images, _ = batch()
    given, targets = augment(images, tf.eye(16), mix="cutmix")
    alone = tf.reduce_max(targets, axis=1).numpy() == 1
    assert alone.any()
    np.testing.assert_array_equal(given[alone], tf.cast(images, tf.float32)[alone])


def test_a_little_strength_flips_half_of_the_images_and_changes_little_else():
    images, labels = batch(count=400)
    given = augment(images, labels, strength=1e-4)[0].numpy()
    pixels = images.numpy().astype("float32")
    plain = np.abs(given - pixels).max(axis=(1, 2, 3)) < 5
    flipped = np.abs(given - pixels[:, :, ::-1]).max(axis=(1, 2, 3)) < 5
    assert (plain | flipped).all()
    assert 0.4 < flipped.mean() < 0.6


def test_more_strength_changes_more():
    ramp = np.linspace(0, 255, 24 * 20 * 3).reshape(1, 24, 20, 3).astype(np.uint8)
    images, labels = tf.constant(np.repeat(ramp, 64, axis=0)), tf.zeros((64, 1))
    means = [
        augment(images, labels, strength=s)[0].numpy().mean((1, 2, 3)).std() for s in (0.2, 1.0)
    ]
    assert means[1] > 2 * means[0] > 0


def test_brightness_and_contrast_stay_in_the_stated_ranges():
    images, labels = tf.fill((300, 8, 8, 3), tf.constant(128, tf.uint8)), tf.zeros((300, 1))
    given = augment(images, labels, strength=1.0)[0].numpy()[:, 4, 4, 0]
    assert 128 - 52 <= given.min() < 128 - 40
    assert 128 + 40 < given.max() <= 128 + 52


def test_flips_and_turns_alone_are_those_of_keras():
    """A ramp along x has the slope (±cos, sin) after a turn about the centre, if nothing zooms."""
    ramp = np.broadcast_to(127 + 5 * np.arange(-10, 11)[:, None], (400, 21, 21, 3))
    given = augment(
        tf.constant(ramp, tf.uint8), tf.zeros((400, 1)), policy="flip_rotate", strength=0.8
    )[0].numpy()[..., 0]
    slope_x = (given[:, 10, 11] - given[:, 10, 9]) / 10
    slope_y = (given[:, 11, 10] - given[:, 9, 10]) / 10
    degrees = np.degrees(np.arctan2(slope_y, np.abs(slope_x)))
    np.testing.assert_allclose(given[:, 10, 10], 127, atol=1e-3)
    np.testing.assert_allclose(np.hypot(slope_x, slope_y), 1, atol=1e-3)
    assert -36 <= degrees.min() < -35
    assert 35 < degrees.max() <= 36
    assert 0.4 < (slope_x < 0).mean() < 0.6


def test_both_uses_mixup_in_some_batches_and_cutmix_in_others():
    images = tf.constant(
        np.repeat([0, 255], 8)[:, None, None, None] * np.ones((1, 8, 8, 3)), tf.uint8
    )
    blended = set()
    for number in range(12):
        given, _ = augment(
            images, tf.zeros((16, 1)), tf.constant([number, 0], tf.int64), mix="both"
        )
        blended.add(bool(((given.numpy() > 0.5) & (given.numpy() < 254.5)).any()))
    assert blended == {True, False}


def test_one_graph_serves_every_strength_and_size():
    traced = _traced("basic", "none")
    augment(*batch(), strength=0.3)
    count = traced.experimental_get_tracing_count()
    augment(*batch(), strength=0.8, erasing=0.5)
    augment(*batch(count=3, height=31, width=17, classes=1), strength=0.1)
    assert traced.experimental_get_tracing_count() == count == 1


def test_it_runs_inside_a_dataset():
    images, labels = batch()
    run = augmenter(policy="randaugment", strength=0.5, erasing=0.0, mix="none")
    seeds = tf.data.Dataset.from_tensor_slices(tf.constant([[1, 1], [1, 2]], tf.int64))
    inside = [picture for picture, _ in seeds.map(lambda seed: run(images, labels, seed))]
    outside = run(images, labels, tf.constant([1, 2], tf.int64))[0]
    np.testing.assert_array_equal(inside[1], outside)


def test_a_dataset_keeps_its_shapes():
    run = augmenter(policy="basic", strength=0.5, erasing=0.5, mix="both")
    batches = tf.data.Dataset.from_tensor_slices(batch()).batch(4, drop_remainder=True)
    shapes = [spec.shape for spec in batches.map(lambda x, y: run(x, y, SEED)).element_spec]
    assert shapes == [(4, 24, 20, 3), (4, 3)]
