import os
import warnings

import numpy as np
import pytest

from search.errors import TuneError
from search.process.atomic_files import (
    move_broken_file,
    read_json,
    write_array,
    write_arrays,
    write_json,
)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_is_read_back(tmp_path):
    write_json(tmp_path / "new" / "a.json", {"größe": [1, 2.5, None, "x"]})
    assert read_json(tmp_path / "new" / "a.json") == {"größe": [1, 2.5, None, "x"]}
    assert files(tmp_path / "new") == ["a.json"]


@pytest.mark.parametrize("broken", ["replace", "fsync"])
def test_a_write_that_fails_leaves_the_old_content_and_no_other_file(tmp_path, monkeypatch, broken):
    path = tmp_path / "a.json"
    write_json(path, "old")

    def full(*args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        if broken == "fsync":
            patched.setattr(os, "fsync", full)
        else:
            patched.setattr("pathlib.Path.replace", full)
        with pytest.raises(OSError, match="No space left"):
            write_json(path, "new")
    assert read_json(path) == "old"
    assert files(tmp_path) == ["a.json"]


def test_numbers_that_json_lacks_are_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert files(tmp_path) == []


def test_arrays_are_read_back_without_pickles(tmp_path):
    write_array(tmp_path / "a.npy", np.arange(3))
    write_arrays(tmp_path / "b.npz", x=np.arange(2), y=np.zeros((1, 2)))
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy", allow_pickle=False), [0, 1, 2])
    with np.load(tmp_path / "b.npz", allow_pickle=False) as file:
        assert sorted(file) == ["x", "y"]
    with pytest.raises(ValueError, match="Object arrays"):
        write_array(tmp_path / "c.npy", np.array([{}]))


@pytest.mark.parametrize(
    ("content", "message"), [(None, "no such file"), ("{", "not readable as JSON")]
)
def test_a_missing_or_broken_file_is_named(tmp_path, content, message):
    path = tmp_path / "a.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(TuneError, match=rf"a\.json: {message}"):
        read_json(path)


def test_a_broken_file_is_set_aside_with_a_warning(tmp_path):
    path = tmp_path / "0003.npz"
    path.write_bytes(b"broken")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        move_broken_file(path, "broken training state")
    assert files(tmp_path) == ["0003.npz.broken"]
    assert "0003.npz: broken training state" in str(said[0].message)
