"""How Keras and TensorFlow are set up before training; what is set is set back."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from searching import run_config

from search.trial.keras_setup import prepare_to_train, seed_weights, set_up_training, share_cores


@pytest.fixture(autouse=True)
def _set_back():
    before = keras.config.dtype_policy()
    tensor_float = tf.config.experimental.tensor_float_32_execution_enabled()
    yield
    keras.config.set_dtype_policy(before)
    tf.config.experimental.enable_tensor_float_32_execution(tensor_float)


@pytest.fixture
def determinism(monkeypatch):
    """One entry for each time that determinism is asked for."""
    asked = []
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: asked.append(True))
    return asked


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_models_are_built_in_the_precision_of_the_run(determinism, precision):
    set_up_training(run_config(precision=precision, deterministic=False))
    assert keras.config.dtype_policy().name == precision
    assert determinism == []


def test_a_deterministic_run_uses_deterministic_operations(determinism):
    set_up_training(run_config(deterministic=True))
    assert determinism == [True]


def test_weights_are_those_of_their_seed_and_no_kernel_is_forgotten(monkeypatch):
    def drawn(seed, set_seed):
        set_seed(seed)
        dense = keras.layers.Dense(3)
        dense.build((None, 2))
        generator = keras.layers.Dropout(0.5).seed_generator
        return [np.array(variable).tolist() for variable in (dense.kernel, generator.state)]

    expected = drawn(7, keras.utils.set_random_seed)
    other = drawn(8, keras.utils.set_random_seed)
    # It empties TensorFlow's cache of kernels.
    monkeypatch.setattr(tf.random, "set_seed", lambda seed: pytest.fail("was called"))
    assert drawn(7, seed_weights) == expected != other
    assert drawn(8, seed_weights) == other


def test_outside_a_search_the_digits_are_those_of_a_processor(determinism):
    tf.config.experimental.enable_tensor_float_32_execution(True)
    prepare_to_train(run_config(precision="float32", deterministic=False))
    assert not tf.config.experimental.tensor_float_32_execution_enabled()


@pytest.mark.parametrize(("workers", "threads"), [(1, []), (2, [4]), (3, [2]), (16, [1])])
def test_workers_share_the_cores_and_one_alone_has_all(monkeypatch, workers, threads):
    given = []
    monkeypatch.setattr("data_pipeline.processes.cores.cores", lambda: 8)
    monkeypatch.setattr("data_pipeline.processes.cores._sharing.processes", 1)
    monkeypatch.setattr(tf.config.threading, "set_intra_op_parallelism_threads", given.append)
    share_cores(workers)
    assert given == threads
