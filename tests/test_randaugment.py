import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.augment import randaugment as module
from data_pipeline.augment.randaugment import OPERATIONS, randaugment


@pytest.fixture
def images():
    return tf.constant(np.random.default_rng(0).integers(30, 200, (4, 12, 12, 3)), tf.float32)


def at(value, count=4):
    return tf.fill((count,), tf.constant(value))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda f: f.__name__)
def test_every_operation_keeps_shape_type_and_range(operation, images):
    given = operation(images, tf.constant([-1.0, -0.3, 0.3, 1.0]))
    assert given.shape == images.shape
    assert given.dtype == tf.float32
    assert np.isfinite(given).all()


@pytest.mark.parametrize(
    "operation",
    [f for f in OPERATIONS if f.__name__ not in ("_autocontrast", "_equalize")],
    ids=lambda f: f.__name__,
)
def test_at_magnitude_nothing_an_operation_changes_nothing(operation, images):
    np.testing.assert_allclose(operation(images, at(0.0)), images, atol=1e-3)


@pytest.mark.parametrize(
    "operation",
    [f for f in OPERATIONS if f.__name__ != "_identity"],
    ids=lambda f: f.__name__,
)
def test_at_full_magnitude_an_operation_changes_something(operation, images):
    assert np.abs(operation(images, at(1.0)) - images).max() > 5


def test_autocontrast_stretches_each_channel_to_the_full_range(images):
    given = module._autocontrast(images, at(0.0)).numpy()
    np.testing.assert_allclose(given.min(axis=(1, 2)), 0)
    np.testing.assert_allclose(given.max(axis=(1, 2)), 255, rtol=1e-6)
    flat = tf.fill((1, 4, 4, 3), 7.0)
    np.testing.assert_array_equal(module._autocontrast(flat, at(0.0, 1)), flat)


def test_equalize_gives_every_brightness_its_rank(images):
    given = module._equalize(images, at(0.0)).numpy()
    plane, expected = images.numpy()[2, ..., 1], given[2, ..., 1]
    ranks = (plane[..., None, None] >= plane).mean(axis=(2, 3)) * 255
    np.testing.assert_allclose(expected, ranks, rtol=1e-5)


def test_solarize_inverts_what_is_brighter_than_the_threshold(images):
    given = module._solarize(images, at(0.5)).numpy()
    bright = images.numpy() > 127.5
    np.testing.assert_allclose(given[bright], 255 - images.numpy()[bright])
    np.testing.assert_array_equal(given[~bright], images.numpy()[~bright])


def test_the_same_seed_gives_the_same_images_and_stays_in_range(images):
    run = tf.function(randaugment, autograph=False)
    seeds = [tf.constant([n, 0], tf.int64) for n in range(12)]
    results = [run(images, tf.constant(1.0), seed).numpy() for seed in seeds]
    again = run(images, tf.constant(1.0), seeds[3]).numpy()
    np.testing.assert_array_equal(results[3], again)
    assert min(r.min() for r in results) >= 0
    assert max(r.max() for r in results) <= 255
    assert len({r.tobytes() for r in results}) > 8
