import os

import pytest

from data_pipeline.atomic import sweep, write_text


def test_a_failed_write_leaves_the_old_text(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "state.json"
    write_text(path, "old")

    def fail(_handle):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_only_temporary_files_of_long_ago_are_swept(tmp_path):
    for name in ("fresh.part", "old.part", "old.npy"):
        (tmp_path / name).touch()
    for name in ("old.part", "old.npy"):
        os.utime(tmp_path / name, (1, 1))
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fresh.part", "old.npy"]
