import subprocess
import sys

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from models.families.registry import FAMILIES
from models.hypermodel import ImageClassifier
from models.known_good import default_values
from models.serving import in_float32, with_fixed_size, with_preprocessing

SIZE = (40, 32)


def trained_model(family="cnn", num_classes=2):
    keras.utils.set_random_seed(5)
    hypermodel = ImageClassifier(
        families=(family,),
        backbones=("mobilenet_075",),
        image_size=SIZE,
        num_classes=num_classes,
        compact=True,
        weights=None,
    )
    hp = keras_tuner.HyperParameters()
    hp.values.update(default_values(hypermodel, family))
    model = hypermodel.build(hp)
    hypermodel.compile(model, hp, phase=0, steps_per_epoch=1, max_epochs=1)
    # In place of training, which takes seconds to trace: statistics too are not as they began.
    rng = np.random.default_rng(5)
    for variable in model.weights:
        # As drawn, what comes out of a backbone's 27 layers is nearly nothing.
        deep = FAMILIES[family].pretrained and len(variable.shape) == 4
        factor = 8.0 if deep else 1.0
        variable.assign(variable * rng.uniform(0.8, 1.2, variable.shape) * factor)
    return model


def photos(count, height, width):
    rng = np.random.default_rng(count)
    return rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def prepared(images):
    """Pixels as training sees them: resized, rounded, stored as whole numbers."""
    resized = tf.image.resize(images, SIZE, antialias=True)
    return tf.cast(tf.round(resized), tf.uint8).numpy()


@pytest.mark.parametrize("shape", [(90, 121), (20, 25), SIZE])
def test_serving_a_photo_equals_the_model_on_its_prepared_pixels(shape):
    model = trained_model()
    serving = with_preprocessing(model, image_size=SIZE, resize_mode="squeeze", num_classes=2)
    images = photos(3, *shape)
    expected = model.predict(prepared(images), verbose=0)
    given = serving.predict(images, verbose=0)
    np.testing.assert_array_equal(given[:, 1:], expected)


def test_cropping_keeps_the_middle_of_the_photo():
    model = trained_model()
    crop = with_preprocessing(model, image_size=SIZE, resize_mode="crop", num_classes=2)
    images = photos(2, 80, 100)
    middle = images[:, :, 18:82]  # 80 x 64 has the shape of 40 x 32
    np.testing.assert_array_equal(
        crop.predict(images, verbose=0)[:, 1:], model.predict(prepared(middle), verbose=0)
    )


def test_padding_keeps_all_of_the_photo():
    model = trained_model()
    pad = with_preprocessing(model, image_size=SIZE, resize_mode="pad", num_classes=2)
    images = photos(2, 80, 100)
    whole = np.pad(images, [(0, 0), (22, 22), (0, 0), (0, 0)])  # 124 x 100, about 40 x 32
    np.testing.assert_array_equal(
        pad.predict(images, verbose=0)[:, 1:], model.predict(prepared(whole), verbose=0)
    )


def test_two_classes_come_out_as_two_columns_that_sum_to_one():
    model = trained_model()
    images = photos(4, *SIZE)
    served = with_fixed_size(model, image_size=SIZE, num_classes=2).predict(images, verbose=0)
    assert served.shape == (4, 2)
    np.testing.assert_array_equal(served[:, 1:], model.predict(images, verbose=0))
    np.testing.assert_allclose(served.sum(axis=1), 1.0, rtol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_trained_in_mixed_precision_is_served_in_float32(family):
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        model = trained_model(family, num_classes=3)
        served = with_fixed_size(model, image_size=SIZE, num_classes=3)
    finally:
        keras.mixed_precision.set_dtype_policy(before)
    computing = {layer.compute_dtype for layer in served._flatten_layers()}
    assert computing == {"float32"}
    for given, expected in zip(served.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(given, expected)
    images = photos(4, *SIZE)
    mixed, exact = model.predict(images, verbose=0), served.predict(images, verbose=0)
    # bfloat16 has eight significant bits; by how much that differs depends on the processor.
    assert 0 < np.abs(mixed - exact).max() < 0.2
    np.testing.assert_array_equal(mixed.argmax(axis=1), exact.argmax(axis=1))


def test_served_models_load_where_our_code_is_not(tmp_path):
    images = photos(2, 50, 70)
    np.save(tmp_path / "images.npy", images)
    expected = {}
    for family in FAMILIES:
        served = with_preprocessing(
            trained_model(family), image_size=SIZE, resize_mode="crop", num_classes=2
        )
        served.save(tmp_path / f"{family}.keras")
        expected[family] = served.predict(images, verbose=0)
    code = (
        "import keras, sys, numpy as np\n"
        "for family in sys.argv[1:]:\n"
        "    model = keras.models.load_model(family + '.keras')\n"
        "    np.save(family, model.predict(np.load('images.npy'), verbose=0))\n"
        "assert 'models' not in sys.modules"
    )
    subprocess.run(
        [sys.executable, "-I", "-c", code, *FAMILIES],
        cwd=tmp_path,
        check=True,
        timeout=120,
        capture_output=True,
    )
    for family in FAMILIES:
        given = np.load(tmp_path / f"{family}.npy")
        np.testing.assert_allclose(given, expected[family], atol=1e-6)


def test_what_computes_in_float32_already_is_not_copied():
    model = trained_model()
    plain = in_float32(model)
    assert plain is not model  # it was compiled, which no file is to tell
    assert not plain.compiled
    assert in_float32(plain) is plain
