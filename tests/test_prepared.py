import numpy as np
import pytest

from data_pipeline.errors import DataError
from data_pipeline.pixels import building as module
from data_pipeline.pixels.building import PixelsBuilder


def _image(row):
    return np.full((2, 3, 3), row, np.uint8)


@pytest.mark.parametrize("kept", [[0, 1, 2, 3, 4, 5], [1, 2, 5], [5], [0, 3, 4], [0, 1, 2]])
def test_holes_of_bad_files_are_closed(tmp_path, monkeypatch, kept):
    monkeypatch.setattr(module, "_BLOCK_BYTES", 7)
    with PixelsBuilder(tmp_path, 6, (2, 3), False) as builder:
        for row in kept:
            builder.rows.write(row, _image(row))
        builder.finish(np.array(kept), tmp_path / "done.npy")
    array = np.load(tmp_path / "done.npy")
    assert np.array_equal(array, np.stack([_image(row) for row in kept]))
    assert [path.name for path in tmp_path.iterdir()] == ["done.npy"]


def test_an_unfinished_file_leaves_nothing_behind(tmp_path):
    with pytest.raises(KeyboardInterrupt), PixelsBuilder(tmp_path, 6, (2, 3), False) as builder:
        builder.rows.write(2, _image(2))
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_is_noticed_before_any_work(tmp_path):
    with pytest.raises(DataError, match=r"MiB free, prepared pixels need up to .* free some"):
        PixelsBuilder(tmp_path, 10**9, (1000, 1000), False)
    assert list(tmp_path.iterdir()) == []
