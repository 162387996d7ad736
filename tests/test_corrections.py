"""A file of corrected labels: how it is read and written, and what it changes of a listing."""

from pathlib import Path

import pytest
from drawing import draw_folder

from data_pipeline.errors import DataError
from data_pipeline.listing.corrections import (
    Correction,
    corrected,
    read_corrections,
    written,
)
from data_pipeline.listing.data_options import DataOptions
from data_pipeline.listing.sources import list_images
from search.cli import _run

WHEN = "2026-11-27T08:00:00+00:00"


def corrections(folder, *rows):
    path = folder / "corrections.csv"
    path.write_bytes(written(Correction(*row, WHEN) for row in rows))
    return path


@pytest.fixture
def photos(tmp_path):
    return draw_folder(tmp_path / "photos", {"cat": 3, "dog": 3})


@pytest.fixture
def paths(photos):
    return [file.path for file in list_images(photos).files]


def test_labels_are_corrected_and_files_set_aside(tmp_path, photos, paths):
    file = corrections(
        tmp_path, (paths[0], "cat", "dog"), (paths[1], "cat", ""), (paths[2], "cat", "cat")
    )
    listing = list_images(photos, DataOptions(corrections=file))
    labels = {each.path: each.label for each in listing.files}
    assert labels == {paths[0]: "dog", paths[2]: "cat"} | dict.fromkeys(paths[3:], "dog")
    assert [(each.path, each.reason) for each in listing.left_out] == [
        (paths[1], "set aside by corrections")
    ]
    assert listing.notes == ("corrections.csv: 1 label corrected, 1 file set aside",)
    assert listing.doubts == ()
    assert list_images(photos).notes == ()


def test_what_is_not_applied_is_said(tmp_path, photos, paths):
    gone = [(f"cat/gone{number}.jpg", "cat", "dog") for number in range(4)]
    file = corrections(tmp_path, (paths[0], "horse", "dog"), *gone)
    listing = list_images(photos, DataOptions(corrections=file))
    assert {each.label for each in listing.files[:3]} == {"cat"}
    assert listing.doubts == (
        f"corrections.csv: 1 row not applied, as the label is another by now: {paths[0]}",
        "corrections.csv: 4 rows not applied, as there is no such file: cat/gone0.jpg, "
        "cat/gone1.jpg, cat/gone2.jpg and 1 more",
    )
    assert listing.notes == ("corrections.csv: 0 labels corrected, 0 files set aside",)


def test_a_class_that_is_none_is_refused(tmp_path, photos, paths):
    file = corrections(tmp_path, (paths[0], "cat", "dgo"))
    with pytest.raises(DataError, match="should be dgo, which is no class; there are cat, dog"):
        corrected(list_images(photos), file)


def test_of_several_rows_for_a_file_the_last_counts(tmp_path, photos, paths):
    file = corrections(tmp_path, (paths[0], "cat", "dog"), (paths[0], "cat", "cat"))
    assert corrected(list_images(photos), file).files[0].label == "cat"


def test_names_come_back_as_they_were(tmp_path):
    rows = [
        ("=1+1.jpg", "-a", "@b"),
        ("'=quoted.jpg", "'", "''x"),
        ('a,b\n"c".jpg', "ü", "+"),
        (b"caf\xe9.jpg".decode(errors="surrogateescape"), "cat", ""),
    ]
    file = corrections(tmp_path, *rows)
    assert [(c.path, c.old, c.new) for c in read_corrections(file).values()] == rows
    cells = file.read_text(encoding="utf-8", errors="surrogateescape").split("\n")[1].split(",")
    assert not any(cell.startswith(("=", "-", "@")) for cell in cells)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,label\nx,y\n", "has no column path, old, new; expected path, old, new, when"),
        ("path,old\nx,y\n", "has no column new"),
        ("x,y\n", "has no column path, old, new"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path, text, said):
    path = tmp_path / "other.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=said):
        read_corrections(path)


def test_a_file_that_cannot_be_read_is_said_to_be(tmp_path):
    with pytest.raises(DataError, match="nowhere.csv: No such file"):
        read_corrections(tmp_path / "nowhere.csv")
    (tmp_path / "empty.csv").touch()
    assert read_corrections(tmp_path / "empty.csv") == {}


def test_a_check_says_what_was_corrected(tmp_path, photos, paths, capsys):
    file = corrections(tmp_path, (paths[0], "cat", "dog"), (paths[1], "cat", ""))
    words = ["clean", photos, "--corrections", file, "--cache-dir", tmp_path / "cache"]
    assert _run([str(word) for word in words]) == 0
    said = capsys.readouterr()
    assert "corrections.csv: 1 label corrected, 1 file set aside" in said.out + said.err
    assert Path(photos, paths[1]).exists()
