import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.augment.mixing import cutmix, erase, mixup

SEED = tf.constant([3, 4], tf.int64)


@pytest.fixture
def batch():
    """Image i is filled with 10 i, and its label is the i-th of 16 classes."""
    images = tf.ones((16, 20, 24, 3)) * (10.0 * tf.range(16.0))[:, None, None, None]
    return images, tf.eye(16)


def test_mixup_blends_images_and_labels_in_the_same_share(batch):
    images, labels = mixup(*batch, SEED)
    values = (labels.numpy() * 10 * np.arange(16)).sum(axis=1)
    np.testing.assert_allclose(images[:, 5, 5, 0], values, atol=1e-3)
    np.testing.assert_allclose(tf.reduce_sum(labels, axis=1), 1.0, rtol=1e-5)
    assert (tf.reduce_max(labels, axis=1).numpy() < 0.999).any()


def test_mixup_never_makes_nan():
    images, labels = tf.ones((4096, 1, 1, 3)), tf.ones((4096, 1))
    mixed, targets = mixup(images, labels, SEED)
    assert np.isfinite(mixed).all()
    assert np.isfinite(targets).all()


def test_cutmix_gives_each_label_the_area_that_its_image_covers(batch):
    images, labels = cutmix(*batch, SEED)
    for picture, label in zip(images.numpy(), labels.numpy(), strict=True):
        values, counts = np.unique(picture[..., 0], return_counts=True)
        areas = np.zeros(16)
        areas[(values / 10).astype(int)] = counts / (20 * 24)
        np.testing.assert_allclose(label, areas, atol=1e-5)
    assert (tf.reduce_max(labels, axis=1).numpy() < 0.99).any()


def test_single_column_labels_mix_linearly(batch):
    images, _ = batch
    two_classes = tf.constant(np.arange(16)[:, None] % 2, tf.float32)
    for mix in (mixup, cutmix):
        _, labels = mix(images, two_classes, SEED)
        assert labels.shape == (16, 1)
        assert ((labels.numpy() >= 0) & (labels.numpy() <= 1)).all()
        assert ((labels.numpy() > 0.01) & (labels.numpy() < 0.99)).any()


def test_erasing_covers_one_box_with_one_colour():
    images = tf.fill((200, 40, 40, 3), -1.0)
    erased = erase(images, 1.0, SEED).numpy()
    for picture in erased:
        covered = picture[..., 0] != -1
        rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
        assert covered.sum() == len(rows) * len(columns) > 0
        assert 0 < covered.mean() < 0.4
        assert len(np.unique(picture[covered], axis=0)) == 1
        assert 0 <= picture[covered].min() <= picture[covered].max() <= 255


def test_the_probability_says_how_many_images_are_erased():
    images = tf.fill((1000, 16, 16, 3), -1.0)
    touched = (erase(images, 0.25, SEED).numpy() != -1).any(axis=(1, 2, 3))
    assert 0.2 < touched.mean() < 0.3
