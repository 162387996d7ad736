"""The loss, the metric, and what an image of each class counts for."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import loss


@pytest.mark.parametrize(
    ("num_classes", "labels", "found", "keras_own"),
    [
        (2, [[1.0], [0.3]], [[0.999], [0.2]], keras.losses.BinaryCrossentropy),
        (
            3,
            np.eye(3)[:2],
            [[0.9, 0.05, 0.05], [0.2, 0.5, 0.3]],
            keras.losses.CategoricalCrossentropy,
        ),
    ],
)
def test_label_smoothing_is_that_of_keras_and_can_be_changed(num_classes, labels, found, keras_own):
    labels, found = np.array(labels, np.float32), np.array(found, np.float32)
    made = loss.CrossEntropy(num_classes, 0.1)
    expected = float(keras_own(label_smoothing=0.1)(labels, found))
    assert float(made(labels, found)) == pytest.approx(expected, rel=1e-5)
    made.label_smoothing.assign(0.0)
    assert float(made(labels, found)) == pytest.approx(float(keras_own()(labels, found)), rel=1e-5)
    assert type(made).from_config(made.get_config()).get_config() == made.get_config()


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ([[1.0], [0.25]], [[0.9], [0.2]]),
        ([[0.0, 1.0, 0.0], [0.75, 0.25, 0.0]], [[0.1, 0.8, 0.1], [0.6, 0.3, 0.1]]),
    ],
)
def test_images_count_for_what_their_classes_do_and_that_can_be_changed(labels, found):
    labels, found = np.array(labels, np.float32), np.array(found, np.float32)
    classes = max(2, labels.shape[1])
    weights = [1.0, 3.0, 5.0][:classes]
    made = loss.CrossEntropy(classes, 0.1, weights)
    plain = loss.CrossEntropy(classes, 0.1)
    each = np.array([3.0, 0.75 * 1.0 + 0.25 * 3.0])
    expected = each * plain.call(labels, found).numpy()
    np.testing.assert_allclose(made.call(labels, found), expected, rtol=1e-5)
    assert type(made).from_config(made.get_config()).get_config() == made.get_config()
    made.class_weights.assign([1.0] * classes)
    np.testing.assert_allclose(made.call(labels, found), plain.call(labels, found), rtol=1e-5)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(None, [1, 1]), ("none", [1, 1]), ("sqrt", [5 / 6, 5 / 2]), ("balanced", [5 / 9, 5])],
)
def test_rare_classes_count_more_and_all_images_together_the_same(kind, expected):
    values = {} if kind is None else {"class_weights": kind}
    hp = SimpleNamespace(values=values)
    assert loss.class_weights(hp, (90, 10)) == pytest.approx(expected)
    assert loss.class_weights(hp, ()) is None


def test_a_mixed_label_counts_as_its_larger_part():
    metric = loss.accuracy(num_classes=2)
    metric.update_state(np.array([[0.7], [0.2], [1.0]]), np.array([[0.9], [0.8], [0.6]]))
    assert metric.name == "accuracy"
    assert float(metric.result()) == pytest.approx(2 / 3)


def test_accuracy_takes_batches_of_unknown_size():
    metric = loss.accuracy(num_classes=2)
    spec = tf.TensorSpec((None, None), tf.float32)
    update = tf.function(metric.update_state, input_signature=[spec, spec])
    update(tf.constant([[0.7], [0.2]]), tf.constant([[0.9], [0.8]]))
    assert float(metric.result()) == 0.5
