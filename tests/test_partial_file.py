import os

import numpy as np
import pytest

from search.trial.partial_file import PartialFile


def test_a_finished_file_has_its_name_in_the_folder_on_the_disk(tmp_path, monkeypatch):
    path = tmp_path / "rows.f32"
    partial = PartialFile(path, row_bytes=8, whole=2)
    with partial:
        partial.append(np.ones((3, 2), np.float32))
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(path.exists()))
    partial.finish()
    assert synced == [True]
    assert [file.name for file in tmp_path.iterdir()] == ["rows.f32"]


def test_an_interrupted_file_goes_on_at_whole_rows(tmp_path):
    first = PartialFile(tmp_path / "rows.f32", row_bytes=8, whole=2)
    with pytest.raises(KeyboardInterrupt), first:
        first.append(np.ones((3, 2), np.float32))
        raise KeyboardInterrupt
    again = PartialFile(tmp_path / "rows.f32", row_bytes=8, whole=2)
    assert again.rows == 2
    with again:
        again.append(np.zeros((1, 2), np.float32))
    again.finish()
    rows = np.fromfile(tmp_path / "rows.f32", np.float32).reshape(-1, 2)
    assert rows.tolist() == [[1, 1], [1, 1], [0, 0]]
