import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from models.adjustable import Dropout, adjustable_dropout, set_dropout


def hyperparameters(**values):
    hp = keras_tuner.HyperParameters()
    hp.values.update(values)
    for name in values:
        hp.Float(name, 0.0, 0.9)
    return hp


def test_a_traced_dropout_takes_another_rate():
    layer = Dropout(0.5)
    traced = tf.function(lambda x: layer(x, training=True))
    ones = tf.ones((10_000,))
    assert np.mean(traced(ones) == 0) == pytest.approx(0.5, abs=0.03)
    layer.set_rate(0.1)
    dropped = traced(ones).numpy()
    assert np.mean(dropped == 0) == pytest.approx(0.1, abs=0.02)
    assert dropped.max() == pytest.approx(1 / 0.9)
    assert dropped.mean() == pytest.approx(1, abs=0.02)
    assert traced.experimental_get_tracing_count() == 1


def test_each_call_drops_others_and_inference_none():
    layer, ones = Dropout(0.5), tf.ones((100,))
    assert not np.array_equal(layer(ones, training=True), layer(ones, training=True))
    assert np.array_equal(layer(ones, training=False), ones)


def test_half_precision_stays_half_precision():
    layer = Dropout(0.3, dtype="mixed_bfloat16")
    assert layer(tf.ones((4,), tf.bfloat16), training=True).dtype == tf.bfloat16


@pytest.mark.parametrize(("first", "then"), [(0.0, 0.1), (0.1, 0.0)])
def test_whether_there_is_any_dropout_cannot_change(first, then):
    with pytest.raises(ValueError, match="rate"):
        Dropout(first).set_rate(then)


def test_without_dropout_nothing_is_drawn():
    layer = Dropout(0.0)
    assert layer.variables == []
    assert np.array_equal(layer(tf.ones((100,)), training=True), np.ones(100))


def test_rates_are_no_weights_of_the_model():
    layer = Dropout(0.5)
    assert len(layer.variables) == len(keras.layers.Dropout(0.5).variables)
    assert layer.weights == []


def test_each_layer_of_a_nested_model_gets_its_own_rate():
    hp = hyperparameters(a=0.2, b=0.4)
    inputs = keras.Input((4,))
    inner = keras.Model(inputs, adjustable_dropout(hp, "b")(inputs))
    outer_inputs = keras.Input((4,))
    model = keras.Model(outer_inputs, inner(adjustable_dropout(hp, "a")(outer_inputs)))
    set_dropout(model, hyperparameters(a=0.5, b=0.8))
    rates = [float(model.layers[1]._number), float(inner.layers[1]._number)]
    assert rates == pytest.approx([0.5, 0.8])
