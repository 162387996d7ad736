import keras
import numpy as np
import pytest

from search.errors import TuneError
from search.trial.checkpoint import TrainingState, capture, restore_optimizer, restore_weights


def compiled(units=3):
    model = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(units), keras.layers.Dropout(0.5, seed=1)]
    )
    model.compile(optimizer="adam", loss="mse")
    return model


def train(model, steps, units=3):
    rng = np.random.default_rng(0)
    for _ in range(steps):
        model.train_on_batch(rng.normal(size=(4, 2)), rng.normal(size=(4, units)))


def assert_equal(arrays, variables):
    for array, variable in zip(arrays, variables, strict=True):
        np.testing.assert_array_equal(array, np.array(variable))


def test_weights_seed_states_and_optimizer_come_back(tmp_path):
    trained = compiled()
    train(trained, 3)
    history = [{"epoch": 0, "val_accuracy": 0.5}]
    predictions = np.full((2, 2), 0.5, np.float32)
    about = {"history": history, "predictions": predictions, "steps": 3}
    state = capture(trained, epoch=1, phase=0, **about)
    state.save(tmp_path / "a.npz")
    loaded = TrainingState.load(tmp_path / "a.npz")
    assert (loaded.epoch, loaded.phase, loaded.history, loaded.steps) == (1, 0, history, 3)
    np.testing.assert_array_equal(loaded.predictions, predictions)
    fresh = compiled()
    restore_weights(fresh, loaded)
    restore_optimizer(fresh, loaded)
    assert_equal(loaded.weights, trained.variables)
    assert_equal(loaded.weights, fresh.variables)
    assert_equal(loaded.optimizer, fresh.optimizer.variables)
    assert int(fresh.optimizer.iterations) == 3
    train(trained, 1)
    train(fresh, 1)
    for mine, theirs in zip(trained.variables, fresh.variables, strict=True):
        np.testing.assert_allclose(np.array(mine), np.array(theirs), rtol=1e-6)


def test_an_optimizer_that_scales_the_loss_comes_back_too():
    """As of mixed_float16, which some GPUs are given."""
    models = [compiled() for _ in range(2)]
    for model in models:
        scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam())
        scaled.build(model.trainable_variables)
        model.compile(optimizer=scaled, loss="mse")
    trained, fresh = models
    train(trained, 3)
    state = capture(trained, epoch=1, phase=0)
    restore_optimizer(fresh, state)
    assert_equal(state.optimizer, fresh.optimizer.variables)
    assert int(fresh.optimizer.iterations) == 3


def test_a_state_is_a_copy_that_further_training_does_not_change():
    model = compiled()
    state = capture(model, epoch=0, phase=0)
    before = [array.copy() for array in state.weights]
    train(model, 2)
    assert_equal(before, state.weights)
    assert not np.array_equal(before[0], np.array(model.variables[0]))


def test_no_state_is_none(tmp_path):
    assert TrainingState.load(tmp_path / "a.npz") is None


def test_no_predictions_stay_none(tmp_path):
    capture(compiled(), epoch=1, phase=1).save(tmp_path / "a.npz")
    loaded = TrainingState.load(tmp_path / "a.npz")
    assert loaded.predictions is None
    assert (loaded.phase, loaded.history) == (1, [])


def test_a_state_of_another_model_is_refused():
    state = capture(compiled(units=5), epoch=1, phase=0)
    with pytest.raises(TuneError, match="does not fit the model"):
        restore_weights(compiled(units=3), state)


@pytest.mark.parametrize("content", ["cut", "empty", "text", "header"])
def test_a_broken_state_is_kept_aside_and_counts_as_none(tmp_path, content):
    path = tmp_path / "0003.npz"
    # Of a large array the start is read before its checksum can be compared.
    capture(compiled(units=2000), epoch=1, phase=0).save(path)
    whole = path.read_bytes()
    contents = {"cut": whole[: len(whole) // 2], "empty": b"", "text": b"hello"}
    contents["header"] = whole.replace(b"{'descr': '<f4'", b"((((((((: '<f4'")
    path.write_bytes(contents[content])
    with pytest.warns(UserWarning, match=r"0003\.npz: broken training state"):
        assert TrainingState.load(path) is None
    assert (tmp_path / "0003.npz.broken").exists()
