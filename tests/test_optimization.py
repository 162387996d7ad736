import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from models import optimization, space


def hyperparameters(**values):
    hp = keras_tuner.HyperParameters()
    hp.values.update(values)
    space.declare_training(hp, compact=True)
    return hp


def rates(hp, steps, **arguments):
    schedule = optimization.learning_rate(hp, total_steps=100, **arguments)
    return [float(schedule(step) if callable(schedule) else schedule) for step in steps]


def test_a_cosine_schedule_warms_up_and_ends_at_nothing():
    hp = hyperparameters(learning_rate=0.01, warmup=0.1)
    start, warm, middle, end = rates(hp, [0, 10, 55, 100])
    assert 0 < start < 0.002
    assert warm == pytest.approx(0.01)
    assert middle == pytest.approx(0.005)
    assert end == pytest.approx(0.0, abs=1e-8)


def test_without_warm_up_a_cosine_schedule_starts_at_the_full_rate():
    assert rates(hyperparameters(learning_rate=0.01, warmup=0.0), [0])[0] == pytest.approx(0.01)


def test_a_constant_schedule_stays_at_the_rate():
    hp = hyperparameters(learning_rate=0.01, schedule="constant")
    assert rates(hp, [0, 100]) == [0.01, 0.01]


def test_a_later_phase_goes_on_where_the_schedule_was_at_a_lower_rate():
    hp = hyperparameters(learning_rate=0.01)
    whole = rates(hp, [40, 41, 99])
    later = rates(hp, [0, 1, 59], first_step=40, scale=0.1)
    assert later == pytest.approx([rate * 0.1 for rate in whole])


def test_a_later_start_survives_saving():
    hp = hyperparameters(learning_rate=0.01)
    schedule = optimization.learning_rate(hp, total_steps=100, first_step=40, scale=0.1)
    config = keras.optimizers.schedules.serialize(schedule)
    again = keras.optimizers.schedules.deserialize(config)
    assert float(again(7)) == float(schedule(7))


@pytest.mark.parametrize(
    ("values", "kind", "decay"),
    [
        ({"optimizer": "adam"}, keras.optimizers.Adam, None),
        ({"optimizer": "adamw", "weight_decay": 1e-2}, keras.optimizers.AdamW, 1e-2),
        ({"optimizer": "sgd", "momentum": 0.9, "weight_decay": 0.0}, keras.optimizers.SGD, None),
    ],
)
def test_the_optimizer_is_the_one_chosen(values, kind, decay):
    optimizer = optimization.optimizer(hyperparameters(**values), 0.01)
    assert type(optimizer) is kind
    assert optimizer.weight_decay == decay
    assert getattr(optimizer, "momentum", 0.9) == 0.9


def test_sgd_takes_its_own_rate():
    hp = hyperparameters(optimizer="sgd", sgd_learning_rate=0.05)
    assert optimization.base_rate(hp) == 0.05


def test_weight_decay_spares_biases():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, bias_initializer="ones")])
    kernel = model.layers[0].kernel.numpy()
    optimizer = optimization.optimizer(hyperparameters(optimizer="sgd", weight_decay=1e-2), 0.1)
    gradients = [keras.ops.zeros_like(v) for v in model.trainable_variables]
    optimizer.apply(gradients, model.trainable_variables)
    np.testing.assert_allclose(model.layers[0].kernel.numpy(), kernel * (1 - 1e-3), rtol=1e-5)
    assert model.layers[0].bias.numpy() == 1


def test_label_smoothing_is_in_the_loss():
    hp = hyperparameters(label_smoothing=0.1)
    labels, sure = np.array([[1.0]]), np.array([[0.999]])
    smoothed = float(optimization.loss(hp, num_classes=2)(labels, sure))
    assert smoothed == pytest.approx(-0.95 * np.log(0.999) - 0.05 * np.log(0.001), rel=1e-3)
    labels, sure = np.eye(3)[:1], np.array([[0.998, 0.001, 0.001]])
    smoothed = float(optimization.loss(hp, num_classes=3)(labels, sure))
    assert smoothed == pytest.approx(-np.log(0.998) * 0.9333 - np.log(0.001) * 0.0667, rel=1e-2)


def test_a_mixed_label_counts_as_its_larger_part():
    metric = optimization.accuracy(num_classes=2)
    metric.update_state(np.array([[0.7], [0.2], [1.0]]), np.array([[0.9], [0.8], [0.6]]))
    assert metric.name == "accuracy"
    assert float(metric.result()) == pytest.approx(2 / 3)


def test_accuracy_takes_batches_of_unknown_size():
    metric = optimization.accuracy(num_classes=2)
    spec = tf.TensorSpec((None, None), tf.float32)
    update = tf.function(metric.update_state, input_signature=[spec, spec])
    update(tf.constant([[0.7], [0.2]]), tf.constant([[0.9], [0.8]]))
    assert float(metric.result()) == 0.5
