import importlib

import pytest

from models.pretrained.backbones import BACKBONES


class AskedError(Exception):
    pass


def what_keras_asks_for(name, monkeypatch, **arguments):
    """(file name, address, checksum) that `keras.applications` itself would download."""
    import keras

    asked = []

    def get_file(file_name, origin, cache_subdir=None, file_hash=None):
        asked.append((file_name, origin, file_hash or ""))
        raise AskedError

    module = importlib.import_module(f"keras.src.applications.{BACKBONES[name].folder}")
    monkeypatch.setattr(module.file_utils, "get_file", get_file)
    backbone = BACKBONES[name]
    constructor = getattr(keras.applications, backbone.constructor)
    with pytest.raises(AskedError):
        constructor(weights="imagenet", **backbone.arguments, **arguments)
    return asked[0]


@pytest.mark.filterwarnings("ignore:.*input_shape.* is undefined:UserWarning")
@pytest.mark.parametrize(
    ("name", "size"),
    [("mobilenet_075", 96), ("mobilenet_075", 160), ("mobilenet_v2", 96), ("mobilenet_v2", 100)]
    + [(name, 96) for name in list(BACKBONES)[2:]],
)
def test_files_without_classifier_are_those_of_keras(name, size, monkeypatch):
    backbone = BACKBONES[name]
    asked = what_keras_asks_for(name, monkeypatch, include_top=False, input_shape=(size, size, 3))
    file_name = backbone.file_names((size, size))[0]
    assert asked == (file_name, backbone.url(file_name), backbone.digest)


@pytest.mark.parametrize("name", BACKBONES)
def test_files_with_classifier_are_those_of_keras(name, monkeypatch):
    backbone = BACKBONES[name]
    asked = what_keras_asks_for(name, monkeypatch, include_top=True)
    expected = backbone.classifier_file
    assert asked == (expected, backbone.url(expected), backbone.classifier_digest)
