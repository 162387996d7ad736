"""Files that are no .keras file: what `tune predict` makes of them, good and broken."""

import builtins

import numpy as np
import pytest
from onnx_files import write_means
from PIL import Image

from search.errors import TuneError
from search.formats.classifier import load_exported
from search.inference.classifier import InputFile
from search.process.atomic_files import write_json

ABOUT = {
    "labels": ["red", "green", "blue"],
    "image_size": [12, 8],
    "resize_mode": "squeeze",
    "threshold": 0.5,
}


@pytest.fixture
def export(tmp_path):
    write_means(tmp_path / "model.onnx", (12, 8))
    write_json(tmp_path / "labels.json", ABOUT)
    return tmp_path


def test_it_answers_with_the_labels_and_the_threshold_beside_it(export):
    paths = [export / "green.png", export / "grey.png"]
    Image.new("RGB", (40, 60), (0, 250, 0)).save(paths[0])
    Image.new("RGB", (40, 60), (90, 90, 90)).save(paths[1])
    classifier = load_exported(str(export / "model.onnx"))
    green, grey = classifier.predict([InputFile(path) for path in paths])
    assert next(iter(green.probabilities)) == "green"
    assert green.probabilities["green"] == pytest.approx(np.exp(2.5) / (np.exp(2.5) + 2))
    assert (green.unsure, grey.unsure) == (False, True)


@pytest.mark.parametrize("name", ["model.tflite", "model.onnx"])
def test_a_file_of_garbage_is_refused_in_one_line(export, name):
    (export / name).write_bytes(bytes(range(256)) * 20)
    with pytest.raises(TuneError, match=rf"{name}: is no \w+ file that can be used \(") as caught:
        load_exported(str(export / name))
    assert "\n" not in str(caught.value)


def test_labels_of_another_size_are_refused(export):
    write_json(export / "labels.json", ABOUT | {"image_size": [8, 8]})
    with pytest.raises(TuneError, match=r"model\.onnx: is no ONNX file that can be used"):
        load_exported(str(export / "model.onnx"))


def test_labels_of_other_classes_are_refused(export):
    write_json(export / "labels.json", ABOUT | {"labels": ["red", "green"]})
    with pytest.raises(TuneError, match=r"gives \[3\] numbers per image, .* names 2 classes"):
        load_exported(str(export / "model.onnx"))


def test_a_missing_package_is_named_with_the_extra_that_brings_it(export, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == "onnxruntime":
            raise ModuleNotFoundError("No module named 'onnxruntime'", name="onnxruntime")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(TuneError, match=r"needs onnxruntime; .* 'image-tune\[onnx\]'"):
        load_exported(str(export / "model.onnx"))


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(TuneError, match=r"labels\.json: No such file"):
        load_exported(str(tmp_path / "model.tflite"))
