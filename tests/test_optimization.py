import math

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


def schedule_of(hp, **arguments):
    numbers = optimization.schedule_numbers(hp, total_steps=100, **arguments)
    return optimization.Schedule(**numbers)


def rates(hp, steps, **arguments):
    schedule = schedule_of(hp, **arguments)
    return [float(schedule(step)) for step in steps]


def test_a_cosine_schedule_warms_up_and_ends_at_nothing():
    hp = hyperparameters(learning_rate=0.01, warmup=0.1)
    start, warm, middle, end = rates(hp, [0, 10, 55, 100])
    assert 0 < start < 0.002
    assert warm == pytest.approx(0.01)
    assert middle == pytest.approx(0.005)
    assert end == pytest.approx(0.0, abs=1e-8)


@pytest.mark.parametrize("warmup", [0.0, 0.1])
def test_the_rate_stays_in_the_hold_and_decays_in_the_steps_that_are_left(warmup):
    hp = hyperparameters(learning_rate=0.01, warmup=warmup, hold=0.2)
    end = round(100 * (warmup + 0.2))
    assert rates(hp, [end - 20, end - 10, end]) == pytest.approx([0.01] * 3)
    left = 100 - end
    assert rates(hp, [end + left / 4])[0] == pytest.approx(0.005 * (1 + math.cos(math.pi / 4)))
    assert rates(hp, [end + left / 2, 100]) == pytest.approx([0.005, 0.0], abs=1e-8)


def test_a_constant_schedule_and_a_trial_of_an_older_version_have_no_hold():
    for values in ({"schedule": "constant"}, {"warmup": 0.1}):
        hp = hyperparameters(learning_rate=0.01, **values)
        assert optimization.schedule_numbers(hp, total_steps=100)["hold_steps"] == 0
        hp.values.pop("hold", None)
        assert optimization.schedule_numbers(hp, total_steps=100)["hold_steps"] == 0


def test_without_warm_up_a_cosine_schedule_starts_at_the_full_rate():
    assert rates(hyperparameters(learning_rate=0.01, warmup=0.0), [0])[0] == pytest.approx(0.01)


def test_a_constant_schedule_stays_at_the_rate():
    hp = hyperparameters(learning_rate=0.01, schedule="constant")
    assert rates(hp, [0, 100]) == pytest.approx([0.01, 0.01])


def test_a_later_phase_goes_on_where_the_schedule_was_at_a_lower_rate():
    hp = hyperparameters(learning_rate=0.01)
    whole = rates(hp, [40, 41, 99])
    later = rates(hp, [0, 1, 59], first_step=40, scale=0.1)
    assert later == pytest.approx([rate * 0.1 for rate in whole])


@pytest.mark.parametrize("warmup", [0.0, 0.1])
def test_the_schedule_is_that_of_keras(warmup):
    keras_own = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.01 / 11 if warmup else 0.01,
        decay_steps=90 if warmup else 100,
        warmup_target=0.01 if warmup else None,
        warmup_steps=10 if warmup else 0,
    )
    steps = range(0, 101, 5)
    expected = [float(keras_own(step)) for step in steps]
    hp = hyperparameters(learning_rate=0.01, warmup=warmup)
    assert rates(hp, steps) == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_a_schedule_survives_saving():
    schedule = schedule_of(hyperparameters(learning_rate=0.01), first_step=40, scale=0.1)
    config = keras.optimizers.schedules.serialize(schedule)
    again = keras.optimizers.schedules.deserialize(config)
    assert float(again(7)) == float(schedule(7))


def test_a_traced_schedule_takes_other_numbers():
    schedule = schedule_of(hyperparameters(learning_rate=0.01, schedule="constant"))
    traced = tf.function(schedule)
    assert float(traced(tf.constant(50))) == pytest.approx(0.01)
    hp = hyperparameters(learning_rate=0.02, warmup=0.1, hold=0.2)
    schedule.set(**optimization.schedule_numbers(hp, total_steps=100))
    assert float(traced(tf.constant(30))) == pytest.approx(0.02)
    assert float(traced(tf.constant(65))) == pytest.approx(0.01)
    assert traced.experimental_get_tracing_count() == 1


@pytest.mark.parametrize(
    ("values", "kind", "decay"),
    [
        ({"optimizer": "adam"}, keras.optimizers.Adam, None),
        ({"optimizer": "adamw", "weight_decay": 1e-2}, keras.optimizers.AdamW, 1e-2),
        ({"optimizer": "adamw", "weight_decay": 0.0}, keras.optimizers.Adam, None),
        ({"optimizer": "sgd", "momentum": 0.9, "weight_decay": 0.0}, keras.optimizers.SGD, None),
    ],
)
def test_the_optimizer_is_the_one_chosen(values, kind, decay):
    optimizer = optimization.optimizer(hyperparameters(**values), 0.01)
    assert type(optimizer) is kind
    assert optimizer.weight_decay == decay or float(optimizer.weight_decay) == pytest.approx(decay)
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


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
def test_a_variable_with_a_factor_moves_by_that_part(name):
    def moved(factors):
        chosen = optimization.optimizer(hyperparameters(optimizer=name), 0.01, factors)
        for variable in (near, far):
            variable.assign([1.0])
        chosen.apply([keras.ops.ones(1) * 0.1, keras.ops.ones(1) * 0.1], [near, far])
        return [1.0 - float(variable.value[0]) for variable in (near, far)]

    near, far = keras.Variable([1.0]), keras.Variable([1.0])
    both, _ = moved({near.value.ref(): 1.0})
    whole, part = moved({far.value.ref(): 0.25})
    assert whole == pytest.approx(both, rel=1e-3)
    assert part == pytest.approx(0.25 * whole, rel=0.05)  # weight decay has no factor


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_a_layer_of_its_own_rate_decays_at_that_rate(name):
    variables = [
        keras.Variable(np.ones(3, np.float32), name=word) for word in ("slow", "head", "bias")
    ]
    hp = hyperparameters(optimizer=name, weight_decay=0.5, momentum=0.0)
    factors = {variables[0].value.ref(): 0.2}
    made = optimization.optimizer(hp, 0.1, factors)
    made.apply([np.zeros(3, np.float32)] * 3, variables)
    found = [float(np.array(variable)[0]) for variable in variables]
    assert found == pytest.approx([1 - 0.5 * 0.1 * 0.2, 1 - 0.5 * 0.1, 1.0])
