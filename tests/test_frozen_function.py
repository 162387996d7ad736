import keras
import numpy as np
import pytest
import tensorflow as tf

from models.frozen_function import frozen_function
from models.pretrained.networks import build_backbone


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_it_answers_as_the_model_does(dtype):
    model = build_backbone("mobilenet_025", image_size=(32, 32), weights=None)
    images = np.random.default_rng(0).integers(0, 2, (8, 32, 32, 3)).astype(dtype)
    expected = keras.ops.convert_to_numpy(model(images.astype("float32"), training=False))
    answers = frozen_function(model, batch=8)(images).numpy()
    assert (answers.dtype, np.ptp(expected) > 0) == (np.float32, True)
    np.testing.assert_allclose(answers, expected, atol=1e-4 * np.abs(expected).max())


def test_models_that_are_trained_are_not_optimised_so(request):
    before = tf.config.optimizer.get_experimental_options()
    request.addfinalizer(lambda: tf.config.optimizer.set_experimental_options(before))
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2)])
    frozen_function(model, batch=2)(np.ones((2, 4), np.float32))
    assert tf.config.optimizer.get_experimental_options()["disable_meta_optimizer"]


def test_it_keeps_the_weights_that_it_was_made_with():
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2)])
    function, images = frozen_function(model, batch=2), np.ones((2, 4), np.float32)
    before = function(images).numpy()
    model.set_weights([np.zeros((4, 2), np.float32), np.zeros(2, np.float32)])
    np.testing.assert_array_equal(function(images).numpy(), before)
