"""No model is compiled by XLA, as Keras would where TensorFlow sees a GPU."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_trials import values_for
from tensorflow.python.framework import config as tf_config

from models.families.head import plain_dropout
from models.hypermodel import with_values
from models.serving import with_fixed_size, with_preprocessing
from models.xla import can_be_compiled, no_xla_mark, without_xla
from search.formats.keras_file import open_keras
from search.likeness.embedding import Embedding


@pytest.fixture
def a_gpu(monkeypatch):
    """What Keras looks at before it chooses XLA."""
    devices = [SimpleNamespace(device_type="CPU"), SimpleNamespace(device_type="GPU")]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: devices)
    monkeypatch.setattr(tf_config, "is_op_determinism_enabled", lambda: False)


def plain():
    return keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])


@pytest.mark.usefixtures("a_gpu")
def test_without_further_words_keras_would():
    assert plain().jit_compile


@pytest.mark.usefixtures("a_gpu")
@pytest.mark.parametrize("kind", ["cnn", "xception", "transfer, frozen"])
def test_models_of_a_search_are_not(kind, scratch, transfer):
    experiment = transfer if kind.startswith("transfer") else scratch
    classifier, hp = experiment.classifier, with_values(values_for(experiment, kind))
    model = classifier.build(hp)
    assert not model.jit_compile
    classifier.compile(model, hp, phase=0, steps_per_epoch=3, max_epochs=3)
    assert not model.jit_compile
    if classifier.has_fixed_features(hp):
        extractor = classifier.build_extractor(hp)
        shape = extractor.output_shape[1:]
        rest = classifier.build_rest(hp, shape=shape, dropout=plain_dropout)
        assert not (extractor.jit_compile or rest.jit_compile)


@pytest.mark.usefixtures("a_gpu")
def test_an_exported_file_is_not_even_where_keras_alone_loads_it(tmp_path):
    finished = with_preprocessing(plain(), image_size=(8, 8), resize_mode="squeeze", num_classes=3)
    assert not finished.jit_compile
    finished.save(tmp_path / "model.keras")
    assert not keras.models.load_model(tmp_path / "model.keras", compile=False).jit_compile
    call = open_keras(tmp_path / "model.keras")
    assert call(np.zeros((2, 9, 7, 3), np.uint8)).shape == (2, 3)


@pytest.mark.usefixtures("a_gpu")
def test_others_that_answer_are_not(scratch):
    model = scratch.classifier.build(with_values(values_for(scratch, "cnn")))
    fixed = with_fixed_size(model, image_size=(16, 16), num_classes=2)
    assert not fixed.jit_compile
    assert not Embedding(fixed)._model.jit_compile


@pytest.mark.usefixtures("a_gpu")
def test_it_is_known_what_can_be_compiled(scratch):
    model = without_xla(plain())
    assert can_be_compiled(model)
    assert not model.jit_compile
    assert not can_be_compiled(keras.Sequential([model, no_xla_mark()]))


def test_the_mark_is_no_part_of_an_answer(tmp_path):
    """Where a caller says nothing of training, its layer would draw numbers and warp images."""
    finished = with_preprocessing(plain(), image_size=(8, 8), resize_mode="squeeze", num_classes=3)
    images = np.random.default_rng(0).integers(0, 256, (2, 9, 7, 3), dtype=np.uint8)
    traced = tf.function(finished.__call__).get_concrete_function(
        tf.TensorSpec((None, None, None, 3), tf.float32)
    )
    kinds = {operation.type for operation in traced.graph.get_operations()}
    assert "ScaleAndTranslate" in kinds
    assert not {kind for kind in kinds if "Projective" in kind or "Assign" in kind}
    expected = finished.predict(images, verbose=0)
    finished.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_array_equal(again(images), expected)


def test_the_mark_changes_no_value():
    images = np.random.default_rng(0).uniform(0, 255, (2, 9, 7, 3)).astype(np.float32)
    for training in (False, True):
        np.testing.assert_allclose(no_xla_mark()(images, training=training), images, atol=1e-4)
