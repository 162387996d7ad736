import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.augment.warp import warp


@pytest.fixture
def images():
    return tf.constant(np.random.default_rng(0).uniform(0, 255, (3, 8, 12, 3)), tf.float32)


def test_nothing_asked_for_changes_nothing(images):
    np.testing.assert_array_equal(warp(images), images)


def test_a_mirrored_image_is_its_exact_flip(images):
    mirror = tf.constant([1.0, -1.0, 1.0])
    given = warp(images, mirror=mirror).numpy()
    np.testing.assert_allclose(given[1], images[1, :, ::-1], atol=1e-3)
    np.testing.assert_array_equal(given[0], images[0])


def test_a_shift_is_a_part_of_the_side_and_reflects_the_edge(images):
    given = warp(images, shift_x=0.25, shift_y=-0.125).numpy()
    moved = np.pad(images, ((0, 0), (1, 0), (0, 3), (0, 0)), "symmetric")[:, :8, 3:]
    np.testing.assert_allclose(given, moved, atol=1e-3)


def test_half_a_turn_is_a_flip_both_ways(images):
    given = warp(images, angle=np.pi).numpy()
    np.testing.assert_allclose(given, images[:, ::-1, ::-1], atol=0.01)


def test_a_quarter_turn_of_a_square_is_exact(images):
    square = images[:, :, :8]
    given = warp(square, angle=np.pi / 2).numpy()
    turns = [np.rot90(square, k, axes=(1, 2)) for k in (1, 3)]
    assert min(np.abs(given - turned).max() for turned in turns) < 0.01


def test_zooming_out_keeps_the_middle_and_shows_less_detail(images):
    odd = images[:, :7, :11]
    np.testing.assert_allclose(warp(odd, zoom=2.0)[:, 3, 5], odd[:, 3, 5], atol=1e-3)
    np.testing.assert_allclose(warp(odd, zoom=2.0)[:, 3, 6], odd[:, 3, 7], atol=1e-3)


def test_shear_moves_rows_in_proportion_to_their_height(images):
    odd = images[:, :7, :11]
    given = warp(odd, shear_x=1.0).numpy()
    np.testing.assert_allclose(given[:, 3], odd[:, 3], atol=1e-3)
    np.testing.assert_allclose(given[:, 4, 4], odd[:, 4, 5], atol=1e-3)
    np.testing.assert_allclose(given[:, 2, 4], odd[:, 2, 3], atol=1e-3)
