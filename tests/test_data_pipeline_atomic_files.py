import os
from pathlib import Path

import pytest

from data_pipeline.atomic_files import UnfinishedFile, sweep, write_bytes


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_failed_write_leaves_the_old_content_and_no_open_file(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "state.json"
    write_bytes(path, b"old")
    opened = len(names(Path("/proc/self/fd")))

    def fail(_handle):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(path.parent) == ["state.json"]
    assert len(names(Path("/proc/self/fd"))) == opened


def test_what_a_write_accepts_only_in_part_is_written_whole(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, content: real(handle, content[:3]))
    write_bytes(tmp_path / "a", b"0123456789")
    assert (tmp_path / "a").read_bytes() == b"0123456789"


def test_a_name_as_long_as_the_disk_allows_can_be_written(tmp_path):
    write_bytes(tmp_path / ("n" * 255), b"content")
    assert names(tmp_path) == ["n" * 255]


def test_a_published_file_stays_and_an_unpublished_one_goes(tmp_path):
    with UnfinishedFile(tmp_path / "a") as file:
        os.write(file.handle, b"content")
        file.publish(tmp_path / "b")
    with UnfinishedFile(tmp_path / "c"):
        assert len(names(tmp_path)) == 2
    assert names(tmp_path) == ["b"]


def test_leftovers_of_this_and_earlier_versions_are_swept_and_nothing_else(tmp_path):
    leftovers = [UnfinishedFile(tmp_path / "a.json").path.name, ".b.tmp", "pixels-ab_12cd9.part"]
    others = [".hidden", "a.json", "b.tmp", "mine.part", "old.npy"]
    for folder in (tmp_path, tmp_path / "deep"):
        folder.mkdir(exist_ok=True)
        for name in (*leftovers, *others):
            (folder / name).touch()
    sweep(tmp_path)
    assert names(tmp_path / "deep") == others
    assert names(tmp_path) == sorted([*others, "deep"])


def test_of_a_cache_only_leftovers_of_long_ago_are_swept(tmp_path):
    for name in (".fresh.tmp", ".old.tmp", "old.npy"):
        (tmp_path / name).touch()
    for name in (".old.tmp", "old.npy"):
        os.utime(tmp_path / name, (1, 1))
    sweep(tmp_path, older_than=3600)
    assert names(tmp_path) == [".fresh.tmp", "old.npy"]


def test_the_content_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    there = []
    real = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda handle: (there.append((tmp_path / "a").exists()), real(handle))
    )
    write_bytes(tmp_path / "a", b"content")
    assert there == [False, True]  # the file before the rename, the folder after it
