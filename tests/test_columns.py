import tracemalloc

import numpy as np
import pytest

from data_pipeline.columns import rows as rows_module
from data_pipeline.columns.codes import Codes
from data_pipeline.columns.column_file import ColumnFile
from data_pipeline.columns.digests import Digests
from data_pipeline.columns.rows import Rows
from data_pipeline.columns.strings import Strings
from data_pipeline.columns.writing import write_columns

NAMES = ["b/2.png", "", "a-b/x", "a/x", "caf\udce9", "\U0001f40b", "￿"]


def test_strings_keep_any_name_and_the_order_of_strings():
    column = Strings.of(NAMES)
    assert list(column) == NAMES
    assert [column[row] for row in range(-1, 3)] == [NAMES[-1], *NAMES[:3]]
    assert column[2:4] == NAMES[2:4]
    assert list(column.take(column.order())) == sorted(NAMES)
    assert column.filled.tolist() == [bool(name) for name in NAMES]
    assert column == NAMES
    assert column != NAMES[1:]
    assert list(Strings.empty(3)) == [""] * 3
    assert list(Strings.of_some({1: "caf\udce9", 3: "x"}, 5)) == ["", "caf\udce9", "", "x", ""]
    assert Strings.of_some({}, 2) == ["", ""]
    with pytest.raises(IndexError):
        column[7]


def test_many_strings_are_taken_and_found_in_pieces(monkeypatch):
    monkeypatch.setattr("data_pipeline.columns.strings._PIECE", 7)
    names = sorted(f"{number * 37 % 1000}" for number in range(100))
    column = Strings.of(names)
    index = np.random.default_rng(0).integers(0, 100, 500)
    assert list(column.take(index)) == [names[row] for row in index]
    others = Strings.of(sorted([*names[::3], "", "9999"]))
    place = column.rows_in(others)
    assert (place[::3] >= 0).all()
    assert [others[row] for row in place[::3]] == names[::3]
    assert (np.delete(place, np.arange(0, 100, 3)) == -1).all()
    assert column.rows_in(Strings.of(names)).tolist() == list(range(100))
    assert column.rows_in(Strings.of([])).tolist() == [-1] * 100


@pytest.mark.parametrize("bounds", [[], [0, 2], [1, 3], [0, 2, 1, 3]])
def test_bounds_of_a_damaged_column_are_refused(bounds):
    with pytest.raises(ValueError, match="do not fit"):
        Strings.checked(np.zeros(3, np.uint8), np.array(bounds, np.int64))


@pytest.mark.parametrize(
    ("content", "bounds"), [(b"\xff\xfe", [0, 1, 2]), ("é".encode(), [0, 1, 2]), (b"\x80", [0, 1])]
)
def test_what_is_no_text_is_refused_when_it_is_read(content, bounds):
    with pytest.raises(ValueError, match="decode|inside a character"):
        Strings.checked(np.frombuffer(content, np.uint8), np.array(bounds, np.int64))
    whole = Strings.of(NAMES)
    assert Strings.checked(whole.content, whole.bounds) == NAMES


def test_bounds_that_overflow_are_refused():
    bounds = np.array([0, 2**63 - 1, -(2**63), -1, 3], np.int64)
    with pytest.raises(ValueError, match="do not fit"):
        Strings.checked(np.zeros(3, np.uint8), bounds)


def test_codes_count_and_number_their_names():
    column = Codes.of(["dog", "cat", "dog", ""])
    assert list(column) == ["dog", "cat", "dog", ""]
    assert column.of_names(("cat", "dog")).tolist() == [1, 0, 1, -1]
    assert column.take(np.array([3, 1])) == ["", "cat"]
    assert column.counts() == {"dog": 2, "cat": 1, "": 1}
    assert Codes.of([]).of_names(("cat",)).tolist() == []
    for codes in ([-1], [2]):
        with pytest.raises(ValueError, match="without a name"):
            Codes.checked(np.array(codes, np.int32), ("a", "b"))


def test_digests_are_hex_or_nothing():
    texts = ["00" * 15 + "ab", "", "ff" * 16]
    column = Digests.of(texts)
    assert list(column) == texts == [column[row] for row in range(3)]
    assert b"".join(column.pieces()) == "".join(texts).encode()
    assert column.filled.tolist() == [True, False, True]
    assert len(np.unique(column.keys)) == 3
    with pytest.raises(ValueError, match="32 hex digits"):
        Digests.of(["ab"])


@pytest.fixture
def file(tmp_path):
    content = np.random.default_rng(0).integers(0, 256, (300, 5), np.uint8)
    columns = {
        "numbers": np.arange(4),
        "flags": np.array([True, False]),
        "pairs": np.ones((3, 2), np.int32),
        "none": np.zeros(0, np.uint8),
        "rows": Rows.in_memory(content),
    }
    write_columns(tmp_path / "file.columns", columns, {"made_by": "a test"})
    return ColumnFile(tmp_path / "file.columns"), content


def test_a_file_of_columns_is_read_as_it_was_written(file):
    columns, content = file
    assert columns.metadata == {"made_by": "a test"}
    assert columns.column("numbers", np.int64).tolist() == [0, 1, 2, 3]
    assert columns.column("flags", np.bool_).tolist() == [True, False]
    assert columns.column("pairs", np.int32, 2).tolist() == [[1, 1]] * 3
    assert columns.column("none", np.uint8).tolist() == []
    assert np.array_equal(columns.column("rows", np.uint8, 5), content)
    for name, dtype, width in (("gone", np.int64, None), ("flags", np.uint8, None)):
        with pytest.raises(ValueError, match=name):
            columns.column(name, dtype, width)
    with pytest.raises(ValueError, match="rows"):
        columns.column("rows", np.uint8, 6)


@pytest.mark.parametrize("piece_bytes", [5, 64, 2**20])
@pytest.mark.parametrize("dense", [0.0, 2.0])
def test_rows_of_a_file_come_in_the_order_asked_for(file, monkeypatch, piece_bytes, dense):
    columns, content = file
    monkeypatch.setattr(rows_module, "_PIECE_BYTES", piece_bytes)
    monkeypatch.setattr(rows_module, "_DENSE", dense)
    rows = columns.rows("rows", 5)
    index = np.random.default_rng(1).integers(0, 300, 50)
    assert np.array_equal(rows.read(index), content[index])
    some = rows.take(index)
    assert len(some) == 50
    assert np.array_equal(np.concatenate(list(some.pieces())), content[index])
    assert rows.read(np.zeros(0, np.int64)).shape == (0, 5)


def test_rows_stay_readable_when_another_file_takes_the_name(file, tmp_path):
    columns, content = file
    rows = columns.rows("rows", 5)
    write_columns(tmp_path / "file.columns", {"rows": np.zeros((1, 5), np.uint8)}, {})
    assert np.array_equal(rows.read(slice(290, 300)), content[290:])


def test_a_file_that_is_cut_short_is_refused(file, tmp_path):
    columns, _ = file
    path = tmp_path / "file.columns"
    rows = columns.rows("rows", 5)
    whole = path.read_bytes()
    with path.open("r+b") as opened:
        opened.truncate(len(whole) - 1)
    with pytest.raises(ValueError, match="rows"):
        ColumnFile(path).rows("rows", 5)
    with pytest.raises(OSError, match="shorter"):
        rows.read(slice(0, 300))
    for content in (b"", whole[:7], whole[:30], b"\xff" * 8 + whole[8:]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="header"):
            ColumnFile(path)


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 100_000,
        b"[1, 2]",
        b'{"rows": 1}',
        b'{"rows": {"dtype": ["U8"], "shape": [1, 5], "data_offsets": [0, 5]}}',
        b'{"rows": {"dtype": "U8", "shape": [1e999, 5], "data_offsets": [0, 5]}}',
        b'{"rows": {"dtype": "U8", "shape": [-1, 5], "data_offsets": [0, -5]}}',
        b'{"rows": {"dtype": "U8", "shape": [1000000000, 5], "data_offsets": [0, 5000000000]}}',
    ],
)
def test_what_a_stranger_wrote_is_refused(tmp_path, header):
    path = tmp_path / "file.columns"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(5))
    with pytest.raises(ValueError, match=r"header|rows"):
        ColumnFile(path).rows("rows", 5)


def test_strings_take_a_tenth_of_the_memory_of_python_objects():
    tracemalloc.start()
    column = Strings.of(f"cat/{number:06}.jpg" for number in range(50_000))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(column) == 50_000
    assert held / len(column) < 14 + 8 + 8  # the text, where it starts, and as much to spare
