import json

import pytest

from models.errors import ModelError
from models.pretrained import imagenet, weights


@pytest.fixture
def cached_file(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    return tmp_path / "models" / "imagenet_class_index.json"


def test_labels_come_in_the_order_of_the_outputs(cached_file):
    index = {str(n): [f"n{n:08}", f"kind_{n}"] for n in reversed(range(1000))}
    cached_file.write_text(json.dumps(index))
    labels = imagenet.imagenet_class_names()
    assert len(labels) == 1000
    assert labels[:2] == ("kind 0", "kind 1")


def test_a_broken_list_is_named(cached_file):
    cached_file.write_text("{}")
    with pytest.raises(ModelError, match="remove it"):
        imagenet.imagenet_class_names()


def test_offline_the_error_says_where_the_list_goes(cached_file, monkeypatch):
    def unreachable(*_, **__):
        raise OSError("no route")

    monkeypatch.setattr(weights.urllib.request, "urlopen", unreachable)
    with pytest.raises(ModelError, match=str(cached_file)):
        imagenet.imagenet_class_names()
