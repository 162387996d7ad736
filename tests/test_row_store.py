import numpy as np
import pytest

from search.trial.features import row_store
from search.trial.features.row_store import RowStore


@pytest.fixture
def path(tmp_path):
    return tmp_path / "plain.f32"


def rows(*numbers):
    return np.array(numbers)


def test_rows_come_in_any_order_and_in_several_goes(path):
    with RowStore(path, (5, 2)) as store:
        store.write(rows(3, 0), np.array([[3, 33], [0, 1]], np.float32))
    again = RowStore(path, (5, 2))
    assert again.missing(rows(0, 1, 3, 4)).tolist() == [1, 4]
    with again:
        again.write(rows(1), np.ones((1, 2), np.float32))
    assert RowStore(path, (5, 2)).open()[[0, 1, 3]].tolist() == [[0, 1], [1, 1], [3, 33]]


def test_only_what_is_on_disk_is_known_after_a_crash(path, monkeypatch):
    store = RowStore(path, (3, 1))
    store.__enter__()
    store.write(rows(0), np.zeros((1, 1), np.float32))  # and then the power fails
    assert RowStore(path, (3, 1)).missing(rows(0, 1)).tolist() == [0, 1]
    monkeypatch.setattr(row_store, "SYNC_SECONDS", 0.0)
    store.write(rows(1), np.zeros((1, 1), np.float32))
    assert RowStore(path, (3, 1)).missing(rows(0, 1, 2)).tolist() == [2]


@pytest.mark.parametrize("lost", ["plain.f32", "plain.rows"])
def test_without_one_of_its_files_nothing_is_known(path, lost):
    with RowStore(path, (3, 1)) as store:
        store.write(rows(0, 1, 2), np.zeros((3, 1), np.float32))
    (path.parent / lost).unlink()
    assert len(RowStore(path, (3, 1)).missing(rows(0, 1, 2))) == 3


def test_a_full_disk_is_an_error(path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(row_store.os, "pwrite", full)
    with pytest.raises(OSError, match="No space"), RowStore(path, (3, 1)) as store:
        store.write(rows(0), np.zeros((1, 1), np.float32))
    assert len(RowStore(path, (3, 1)).missing(rows(0))) == 1


def test_rows_are_on_disk_before_they_are_noted(path, monkeypatch):
    order = []
    monkeypatch.setattr(row_store.os, "fsync", lambda handle: order.append("content"))
    monkeypatch.setattr(row_store, "write_bytes", lambda *_, **__: order.append("note"))
    with RowStore(path, (3, 1)) as store:
        store.write(rows(0), np.zeros((1, 1), np.float32))
    assert order == ["content", "note"]


@pytest.mark.parametrize("damage", ["cut short", "random bytes", "one number"])
def test_a_damaged_file_is_named_and_made_again(path, damage):
    values = np.arange(12, dtype=np.float32).reshape(4, 3)
    with RowStore(path, (4, 3)) as store:
        store.write(rows(0, 1, 2, 3), values)
    whole = path.read_bytes()
    damaged = {
        "cut short": whole[:-4],
        "random bytes": np.random.default_rng(0).bytes(len(whole)),
        "one number": whole[:24] + b"\0\0\0\0" + whole[28:],
    }
    path.write_bytes(damaged[damage])
    with pytest.warns(UserWarning, match=r"plain\.f32: damaged; it is made again"):
        again = RowStore(path, (4, 3))
    assert len(again.missing(rows(0, 1, 2, 3))) == 4
    with again:
        again.write(rows(0, 1, 2, 3), values)
    assert path.read_bytes() == whole
    assert len(RowStore(path, (4, 3)).missing(rows(0, 1, 2, 3))) == 0


def test_checksums_are_compared_once_per_file(path, monkeypatch):
    with RowStore(path, (3, 1)) as store:
        store.write(rows(0, 1, 2), np.zeros((3, 1), np.float32))
    compared, original = [], row_store._checksum
    monkeypatch.setattr(row_store, "_checksum", lambda row: compared.append(1) or original(row))
    store = RowStore(path, (3, 1))
    store.look_again()
    assert len(compared) == 3
    path.rename(path.with_suffix(".old"))
    path.write_bytes(b"damaged file")  # another one, of the same length
    with pytest.warns(UserWarning, match="damaged"):
        store.look_again()
    assert len(store.missing(rows(0, 1, 2))) == 3
