import io
import os
import warnings
import zipfile

import numpy as np
import pytest

from search.errors import TuneError
from search.process.atomic_files import (
    move_broken_file,
    read_array,
    read_arrays,
    read_json,
    read_object,
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
    ("content", "message"),
    [
        (None, "no such file"),
        ("{", "not readable as JSON"),
        ('{"seconds": NaN}', r"not readable as JSON \(NaN is no finite number\)"),
        ('{"seconds": 1e999}', r"not readable as JSON \(1e999 is no finite number\)"),
    ],
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


@pytest.mark.parametrize("made", ["pipe", "folder", "loop"])
def test_only_a_regular_file_is_read_and_none_is_waited_for(tmp_path, made):
    path = tmp_path / "a.json"
    makers = {"pipe": os.mkfifo, "folder": os.mkdir, "loop": lambda place: place.symlink_to(place)}
    makers[made](path)
    reason = "Too many" if made == "loop" else "not a regular file"
    with pytest.raises(TuneError, match=rf"a\.json: {reason}"):
        read_json(path)


@pytest.mark.parametrize("text", ["[]", "3", "null", '"text"'])
def test_json_that_holds_no_object_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(TuneError, match=r"a\.json: holds no JSON object"):
        read_object(tmp_path / "a.json")


def test_json_that_is_nested_without_end_is_refused(tmp_path):
    (tmp_path / "a.json").write_text("[" * 100_000)
    with pytest.raises(TuneError, match=r"a\.json: not readable as JSON"):
        read_json(tmp_path / "a.json")


def saved(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def header_of(shape):
    """An array that says to be larger than its file."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": "<f4", "fortran_order": False, "shape": shape}
    )
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        saved(np.zeros((2, 3), np.float32))[:-1],
        saved(np.zeros(3, np.float32)),
        saved(np.zeros((2, 3), np.int32)),
        saved(np.array([["a", "b"]])),
        header_of((10**9, 10**9)),
        saved(np.array([[{}]])),
    ],
)
def test_a_damaged_array_is_named_with_what_to_do(tmp_path, content):
    path = tmp_path / "a.npy"
    path.write_bytes(content)
    with pytest.raises(TuneError, match=r"a\.npy: damaged.*; make it again") as caught:
        read_array(path, "f", dimensions=2, remedy="make it again")
    assert "pickle" not in str(caught.value)


def test_a_whole_array_is_read(tmp_path):
    write_array(tmp_path / "a.npy", np.ones((2, 3), np.float32))
    assert read_array(tmp_path / "a.npy", "f", dimensions=2, remedy="").shape == (2, 3)
    with pytest.raises(TuneError, match="no such file"):
        read_array(tmp_path / "b.npy", "f", dimensions=2, remedy="")


def test_of_several_arrays_each_has_to_be_there_and_of_its_kind(tmp_path):
    path = tmp_path / "a.npz"
    write_arrays(path, rows=np.arange(3), others=np.arange(2.0))
    (rows,) = read_arrays(path, ("rows",), "i", remedy="")
    assert rows.tolist() == [0, 1, 2]
    for names in (("rows", "others"), ("missing",)):
        with pytest.raises(TuneError, match=r"a\.npz: damaged.*; put it back"):
            read_arrays(path, names, "i", remedy="put it back")
    whole = path.read_bytes()
    for content in (whole[:-30], b"", whole[:60] + bytes(40) + whole[100:]):
        path.write_bytes(content)
        with pytest.raises(TuneError, match=r"a\.npz: damaged"):
            read_arrays(path, ("rows",), "i", remedy="")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rows.npy", saved(np.array([{}])))
    with pytest.raises(TuneError, match=r"a\.npz: damaged"):
        read_arrays(path, ("rows",), "i", remedy="")
