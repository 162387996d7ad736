"""Quantised files: a temperature of their own, and what they answer to the test images."""

from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from models.families.head import divided_logits, last_layer, probabilities
from search.errors import TuneError
from search.evaluation.calibration import closest_temperature, with_temperature
from search.export import quantised
from search.export.quantised import as_sure, file_figures, opened
from search.formats.format import Source
from search.formats.latency import Latency
from search.formats.litert import INT8, LITERT
from search.formats.measuring import Measured
from search.formats.parity import check

IMAGES = np.random.default_rng(0).integers(0, 256, (60, 4, 4, 3), dtype=np.uint8)


@pytest.fixture
def source():
    keras.utils.set_random_seed(0)
    images = keras.Input((4, 4, 3))
    features = keras.layers.Rescaling(1 / 64)(keras.layers.Flatten()(images))
    model = keras.Model(images, probabilities(features, num_classes=3))
    return Source(model, model, (4, 4), 3, IMAGES)


def measured(answers):
    latency = Latency(0.01, 0.02)
    return Measured(np.asarray(answers, np.float32), latency, 1_000, 100, load_seconds=0.1)


def softened(source, monkeypatch, *temperatures):
    """Have files answer as the model does when they are written, divided by one of these each."""
    waiting, files = list(temperatures), {}

    def write_format(source, name, folder):
        path = folder / INT8.file
        path.write_text(str(len(waiting)))
        files[path] = source.model.predict_on_batch(IMAGES)
        return path

    def measure_file(name, path, images):
        return measured(with_temperature(files[path], waiting.pop(0)))

    monkeypatch.setattr(quantised, "write_format", write_format)
    monkeypatch.setattr(quantised, "measure_file", measure_file)
    return write_format, measure_file


def written(source, folder, monkeypatch, *temperatures):
    """What stands after a file that is off by the first of these was written, perhaps again."""
    write_format, measure_file = softened(source, monkeypatch, *temperatures)
    expected = source.model.predict_on_batch(IMAGES)
    first = measure_file(INT8.name, write_format(source, INT8.name, folder), IMAGES)
    before = source.model.get_weights()
    found = as_sure(INT8, source, first, folder, IMAGES, expected)
    for weight, was in zip(source.model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, was)
    assert [path.name for path in folder.iterdir()] == [INT8.file]
    return first, found, expected


def test_a_file_that_is_less_sure_than_the_model_is_written_again(source, tmp_path, monkeypatch):
    first, found, expected = written(source, tmp_path, monkeypatch, 1.5, 1.5)
    assert np.abs(first.probabilities - expected).mean() > 0.02
    np.testing.assert_allclose(found.probabilities, expected, atol=0.005)
    assert (tmp_path / INT8.file).read_text() == "1"  # the second


def test_a_file_that_is_as_sure_is_left_as_it_is(source, tmp_path, monkeypatch):
    first, found, _ = written(source, tmp_path, monkeypatch, 1.01)
    assert found is first


def test_one_that_is_farther_when_written_again_is_not_kept(source, tmp_path, monkeypatch):
    first, found, _ = written(source, tmp_path, monkeypatch, 1.2, 3.0)
    assert found is first
    assert (tmp_path / INT8.file).read_text() == "2"  # the first


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_the_closest_temperature_undoes_another(temperature):
    wished = np.random.default_rng(1).dirichlet([1, 1, 1], 200)
    given = with_temperature(wished, temperature)
    assert closest_temperature(given, wished) == pytest.approx(1 / temperature, rel=0.011)


def test_logits_are_divided_for_a_while_also_when_it_fails(source):
    before = last_layer(source.model).get_weights()
    with pytest.raises(OSError, match="full"), divided_logits(source.model, 2.0):
        np.testing.assert_allclose(last_layer(source.model).get_weights()[0], before[0] / 2)
        raise OSError("full")
    np.testing.assert_array_equal(last_layer(source.model).get_weights()[0], before[0])


def experiment_of(count):
    targets = np.arange(count + 1, dtype=np.int32) % 2
    rows = np.arange(1, count + 1)
    return SimpleNamespace(
        test=rows, targets=targets, pixels=np.zeros((count + 1, 4, 4, 3), np.uint8)
    )


def answering(answers):
    """What a loaded file gives, and how many images it was asked for."""
    asked = []
    return lambda images: asked.append(len(images)) or answers[: len(images)], asked


def test_a_quantised_file_is_measured_on_the_test_images():
    experiment = experiment_of(10)
    sure = np.where(np.arange(10) < 4, 0.9, 0.6)
    # Row 1 is of class 1, row 2 of class 0, and so on: the first and the fifth are wrong.
    second = np.where(experiment.targets[1:] == 1, sure, 1 - sure)
    second[[0, 4]] = 1 - second[[0, 4]]
    answers = np.stack([1 - second, second], axis=1).astype(np.float32)
    call, asked = answering(answers)
    (parity,) = check({"litert-int8": measured(answers)}, answers)
    figures = file_figures(parity, call, experiment, threshold=0.8)
    assert asked == [10]
    assert figures.accuracy == 0.8
    assert (figures.abstain.coverage, figures.abstain.precision) == (0.4, 0.75)
    assert figures.on_test_images(0.9) == (
        "model-int8.tflite: accuracy 0.8000 on the test images (model 0.9000); 40.0 % reach the "
        "threshold, 75.0 % of these are right"
    )
    without = file_figures(parity, call, experiment, threshold=None)
    assert (without.accuracy, without.abstain) == (0.8, None)


def test_other_files_answer_as_the_model_does_and_are_not_asked(tmp_path):
    answers = np.full((10, 2), 0.5, np.float32)
    (parity,) = check({"litert": measured(answers)}, answers)
    assert parity.format is LITERT
    assert opened([parity], tmp_path / "not there") == {}
    figures = file_figures(parity, None, experiment_of(10), threshold=0.5)
    assert (figures.accuracy, figures.on_test_images(0.9)) == (None, "")


def test_of_many_test_images_some_spread_over_all_are_taken():
    count = 3 * quantised.TESTED
    call, asked = answering(np.full((count, 2), 0.5, np.float32))
    answers = np.full((10, 2), 0.5, np.float32)
    (parity,) = check({"litert-int8": measured(answers)}, answers)
    file_figures(parity, call, experiment_of(count), threshold=None)
    assert asked == [quantised.TESTED]


def test_quantised_files_are_loaded_before_the_test_images_are_looked_at(tmp_path):
    answers = np.full((10, 2), 0.5, np.float32)
    loaded = []
    row = replace(INT8, open=lambda path: loaded.append(path) or len)
    parities = check({"keras": measured(answers), "litert-int8": measured(answers)}, answers)
    found = opened([parities[0], replace(parities[1], format=row)], tmp_path)
    assert (found, loaded) == ({"litert-int8": len}, [tmp_path / INT8.file])


def test_where_it_cannot_be_written_again_the_first_file_stands(source, tmp_path, monkeypatch):
    write_format, measure_file = softened(source, monkeypatch, 1.5)
    expected = source.model.predict_on_batch(IMAGES)
    first = measure_file(INT8.name, write_format(source, INT8.name, tmp_path), IMAGES)

    def fail(*_):
        raise TuneError("no memory")

    monkeypatch.setattr(quantised, "measure_file", fail)
    assert as_sure(INT8, source, first, tmp_path, IMAGES, expected) is first
    assert [path.name for path in tmp_path.iterdir()] == [INT8.file]
    np.testing.assert_array_equal(source.model.predict_on_batch(IMAGES), expected)
