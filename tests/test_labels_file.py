import json
import os

import pytest

from search.errors import TuneError
from search.inference.labels_file import LabelsFile, read_labels

GOOD = {"labels": ["cat", "dog"], "image_size": [32, 48], "resize_mode": "crop"}


def write(tmp_path, values):
    path = tmp_path / "labels.json"
    path.write_text(values if isinstance(values, str) else json.dumps(values))
    return path


def test_what_export_writes_is_read(tmp_path):
    assert read_labels(write(tmp_path, GOOD)) == LabelsFile(("cat", "dog"), (32, 48), "crop")


@pytest.mark.parametrize(("cut", "mode"), [(True, "crop"), (False, "squeeze")])
def test_an_export_of_an_older_version_is_read(tmp_path, cut, mode):
    older = {"labels": ["cat", "dog"], "image_size": [32, 48], "crop_to_aspect_ratio": cut}
    assert read_labels(write(tmp_path, older)).resize_mode == mode


@pytest.mark.parametrize(("given", "read"), [({"threshold": 0.9}, 0.9), ({"threshold": None}, 0.0)])
def test_the_threshold_is_read_where_there_is_one(tmp_path, given, read):
    assert read_labels(write(tmp_path, GOOD | given)).threshold == read
    assert read_labels(write(tmp_path, GOOD)).threshold == 0.0


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"labels": "cat"}, "'labels' is no list of names"),
        ({"labels": ["cat", 3]}, "'labels' is no list of names"),
        ({"labels": ["cat", ""]}, "'labels' is no list of names"),
        ({"labels": ["cat"]}, "two names or more"),
        ({"labels": ["cat", "cat"]}, "each once"),
        ({"image_size": [32]}, "'image_size' is no"),
        ({"image_size": [32, 2**40]}, "'image_size' is no"),
        ({"image_size": [32, True]}, "'image_size' is no"),
        ({"image_size": [32.0, 32]}, "'image_size' is no"),
        ({"resize_mode": "no"}, "'resize_mode' is none of squeeze, crop, pad"),
        ({"threshold": "0.9"}, "'threshold' is no number from 0 to 1"),
        ({"threshold": 1.5}, "'threshold' is no number from 0 to 1"),
        ({"threshold": True}, "'threshold' is no number from 0 to 1"),
    ],
)
def test_wrong_values_are_refused_by_name(tmp_path, changed, reason):
    with pytest.raises(TuneError, match=reason):
        read_labels(write(tmp_path, GOOD | changed))


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, "3", '"labels"'])
def test_what_is_no_object_is_refused_in_one_line(tmp_path, text):
    with pytest.raises(TuneError, match=r"labels\.json: .*; copy both together") as caught:
        read_labels(write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_only_a_regular_file_is_read(tmp_path):
    with pytest.raises(TuneError, match="No such file"):
        read_labels(tmp_path / "labels.json")
    os.mkfifo(tmp_path / "labels.json")
    with pytest.raises(TuneError, match="not a regular file"):
        read_labels(tmp_path / "labels.json")
    (tmp_path / "huge.json").touch()
    os.truncate(tmp_path / "huge.json", 2**40)
    with pytest.raises(TuneError, match="not a regular file of bearable size"):
        read_labels(tmp_path / "huge.json")
