import importlib

import pytest

from models.pretrained.backbones import BACKBONES


def what_keras_asks_for(name, monkeypatch, **arguments):
    """(file name, address, checksum) that `keras.applications` downloads, and its network."""
    import keras

    asked = []

    def get_file(file_name, origin, cache_subdir=None, file_hash=None):
        asked.append((file_name, origin, file_hash or ""))
        return "no.h5"

    module = importlib.import_module(f"keras.src.applications.{BACKBONES[name].folder}")
    monkeypatch.setattr(module.file_utils, "get_file", get_file)
    monkeypatch.setattr(keras.Model, "load_weights", lambda *_, **__: None)
    backbone = BACKBONES[name]
    constructor = getattr(keras.applications, backbone.constructor)
    network = constructor(weights="imagenet", **backbone.arguments, **arguments)
    return asked[0], network


@pytest.mark.filterwarnings("ignore:.*input_shape.* is undefined:UserWarning")
@pytest.mark.parametrize(
    ("name", "size"),
    [("mobilenet_075", 96), ("mobilenet_075", 160), ("mobilenet_v2", 96), ("mobilenet_v2", 100)]
    + [("mobilenet_050", 100), ("mobilenet_025", 128)]
    + [(name, 96) for name in list(BACKBONES)[4:]],
)
def test_files_and_values_without_classifier_are_those_of_keras(name, size, monkeypatch):
    backbone = BACKBONES[name]
    asked, network = what_keras_asks_for(
        name, monkeypatch, include_top=False, input_shape=(size, size, 3)
    )
    file_name = backbone.file_names((size, size))[0]
    assert asked == (file_name, backbone.url(file_name), backbone.digest)
    assert network.count_params() == backbone.values


def test_the_files_of_every_size_are_tried_the_exact_one_first():
    names = BACKBONES["mobilenet_025"].file_names((160, 160))
    assert [name.split("_")[3] for name in names] == ["160", "224", "192", "128"]
    assert BACKBONES["xception"].file_names((160, 160)) == (BACKBONES["xception"].file,)


@pytest.mark.filterwarnings("ignore:.*input_shape.* is undefined:UserWarning")
@pytest.mark.parametrize("name", BACKBONES)
def test_files_with_classifier_are_those_of_keras(name, monkeypatch):
    backbone = BACKBONES[name]
    asked, _ = what_keras_asks_for(name, monkeypatch, include_top=True)
    expected = backbone.classifier_file
    assert asked == (expected, backbone.url(expected), backbone.classifier_digest)
