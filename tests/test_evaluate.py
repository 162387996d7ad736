"""What `tune evaluate` takes from beside an export, whoever wrote it."""

import zipfile

import numpy as np
import pytest
from drawing import catalog, entry

from data_pipeline.near_duplicates.known_images import KnownImages
from search.inference.evaluate import known_to

IMAGES = catalog(entry("cat/a.png", "cat"))
HASHES = IMAGES.kept.pixel_hashes
OLDER = {
    "pixel_hashes": np.array(list(HASHES), "S"),
    "sketches": np.array([IMAGES.kept[0].sketch], "S"),
}


@pytest.fixture
def write(tmp_path):
    """Write what the run of an export says to have trained on; returns the export."""

    def written(save=np.savez, **changed):
        save(tmp_path / "known.npz", **OLDER | changed)
        (tmp_path / "export").mkdir()
        return str(tmp_path / "export")

    return written


def test_what_a_model_was_trained_on_is_known_beside_its_run(write, tmp_path):
    assert known_to(write()).pixel_hashes == HASHES
    (tmp_path / "known.npz").unlink()
    assert known_to(str(tmp_path / "export")) is None
    KnownImages.of(IMAGES, np.arange(1)).save(tmp_path / "known.columns")
    assert known_to(str(tmp_path / "export")).pixel_hashes == HASHES
    (tmp_path / "known.columns").write_bytes(b"{")
    with pytest.warns(UserWarning, match=r"known\.columns: damaged.*; what the model .* not known"):
        assert known_to(str(tmp_path / "export")) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"pixel_hashes": np.array([b"\xff\xfe"])},
        {"pixel_hashes": np.array([b"ab"])},
        {"sketches": np.array([b"!" * 940])},
        {"sketches": np.array([b"A" * 939 + b"="])},
        {"sketches": np.array([[b"A"]])},
        {"sketches": np.array(["A"])},
        {"sketches": np.array([{}])},
        {"save": np.savez_compressed},
    ],
)
def test_what_a_stranger_wrote_there_is_warned_of_and_not_used(write, changed):
    model = write(**changed)
    with pytest.warns(UserWarning, match=r"known\.npz: damaged.*; what the model .* is not known"):
        assert known_to(model) is None


def test_of_a_damaged_file_the_same_is_said(write, tmp_path):
    model, file = write(), tmp_path / "known.npz"
    whole = file.read_bytes()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("pixel_hashes.npy", b"\x93NUMPY\x01\x00\x03\x00{((")
    for content in (file.read_bytes(), whole[:-9], b"", b"PK"):
        file.write_bytes(content)
        with pytest.warns(UserWarning, match=r"known\.npz: damaged"):
            assert known_to(model) is None
