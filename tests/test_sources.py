"""A source of labelled images is one function and one row, and all the rest works with it."""

import json

import numpy as np
import pytest

from data_pipeline.decoding.decode import read_upright
from data_pipeline.errors import DataError
from data_pipeline.listing import sources
from data_pipeline.listing.class_folders import list_class_folders
from data_pipeline.listing.data_options import DataOptions
from data_pipeline.listing.listing import ListedFile, Listing
from data_pipeline.listing.sources import ImageSource, list_images
from data_pipeline.pixels.resize import resize
from data_pipeline.preparation import prepare as module
from data_pipeline.preparation.prepare import open_catalog, prepare
from search.cli import _run


def list_table(table, options):
    """The toy source: lines of a file's path beside the table, a tab, its label."""
    files = []
    for line in sorted(table.read_text().splitlines()):
        path, label = line.split("\t")
        status = (table.parent / path).stat()
        files.append(ListedFile(path, label, None, status.st_size, status.st_mtime_ns))
    return Listing(table.parent, tuple(files), tuple(sorted({file.label for file in files})))


TABLE = ImageSource(
    "a table of paths and labels", lambda path, options: path.suffix == ".tsv", list_table
)


@pytest.fixture
def table(photos, monkeypatch):
    """Every file of `photos` under another label, in a table: (even, odd) numbers."""
    monkeypatch.setattr(sources, "SOURCES", (*sources.SOURCES, TABLE))
    lines = [
        f"{path.relative_to(photos)}\t{('even', 'odd')[int(path.stem[-1]) % 2]}"
        for path in photos.rglob("*.png")
    ]
    (photos / "labels.tsv").write_text("\n".join(lines))
    return photos / "labels.tsv"


def test_a_folder_is_listed_as_class_folders(photos):
    assert list_images(photos) == list_class_folders(photos)


def test_a_new_source_goes_through_prepare(table, cache_dir):
    catalog, (pixels,) = prepare(table, image_sizes=[(16, 16)], cache_dir=cache_dir)
    assert catalog.class_names == ("even", "odd")
    assert catalog.targets.tolist() == [0, 1, 0, 1] * 2
    for row, entry in zip(pixels.open(), catalog.kept, strict=True):
        assert np.array_equal(row, resize(read_upright(catalog.root / entry.path), (16, 16)))


def test_two_sources_of_the_same_files_are_remembered_beside_each_other(
    table, cache_dir, monkeypatch
):
    monkeypatch.setattr(
        module, "run_in_workers", lambda function, tasks, **_: ((t, function(t)) for t in tasks)
    )
    of_table = open_catalog(table, cache_dir=cache_dir)
    of_folder = open_catalog(table.parent, cache_dir=cache_dir)
    assert of_folder.class_names == ("cat", "dog")
    monkeypatch.setattr(module, "run_in_workers", None)
    assert open_catalog(table, cache_dir=cache_dir) == of_table
    assert open_catalog(table.parent, cache_dir=cache_dir) == of_folder


def test_a_table_of_labels_goes_before_class_folders(photos, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("cat/cat_0,even\ncat/cat_1,odd\n")
    listing = list_images(photos, DataOptions.of(labels=table))
    assert {file.path: file.label for file in listing.files} == {
        "cat/cat_0.png": "even",
        "cat/cat_1.png": "odd",
    }
    with pytest.raises(DataError, match="received a column of a table, but no table; name it by"):
        DataOptions.of(label_column="2")


def test_other_labels_are_no_reason_to_check_files_again(photos, tmp_path, cache_dir, monkeypatch):
    table = tmp_path / "labels.csv"
    paths = sorted(str(path.relative_to(photos)) for path in photos.rglob("*.png"))
    table.write_text("\n".join(f"{path},{('even', 'odd')[n % 2]}" for n, path in enumerate(paths)))
    before = open_catalog(photos, cache_dir=cache_dir)
    monkeypatch.setattr(module, "run_in_workers", None)
    after = open_catalog(photos, cache_dir=cache_dir, options=DataOptions.of(labels=table))
    assert [entry.label for entry in after.kept] == ["even", "odd"] * 4
    assert [entry.pixel_hash for entry in after.kept] == [e.pixel_hash for e in before.kept]
    assert after.fingerprint != before.fingerprint


def test_files_are_grouped_by_what_an_expression_finds_in_their_paths(photos):
    listing = list_images(photos, DataOptions.of(group_by=r"_([0-2])\.png"))
    groups = {file.path: file.group for file in listing.files}
    assert groups["cat/cat_1.png"] == groups["dog/dog_1.png"] == "1"
    assert groups["cat/cat_3.png"] == ""
    assert listing.notes == ("--group-by: 3 groups of 6 files",)
    whole = list_images(photos, DataOptions.of(group_by="^[a-z]+"))
    assert {file.group for file in whole.files} == {"cat", "dog"}
    with pytest.raises(
        DataError, match=r"received --group-by '\(': missing \), .*; expected a reg"
    ):
        list_images(photos, DataOptions.of(group_by="("))
    with pytest.raises(DataError, match=r"finds nothing in any path; one is 'cat/cat_0.png'"):
        list_images(photos, DataOptions.of(group_by="patient"))


@pytest.mark.parametrize(
    ("name", "problem"), [("absent", "no such file or folder"), ("x.zip", "no labelled images")]
)
def test_what_no_source_accepts_is_answered_with_what_they_expect(table, name, problem):
    (table.parent / "x.zip").touch()
    expected = f"{name}: {problem}.*; expected a folder with .* or a table of paths and labels"
    with pytest.raises(DataError, match=expected):
        list_images(table.parent / name)


def test_a_source_that_is_a_file_is_taken_by_the_command_line(table, cache_dir, tmp_path, capsys):
    assert _run(["clean", str(table), "--cache-dir", str(cache_dir), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kept"] == len(table.read_text().splitlines())
    other = tmp_path / "notes.txt"
    other.write_text("nothing that any source reads")
    assert _run(["clean", str(other), "--cache-dir", str(cache_dir)]) == 1
    assert "expected a folder with a folder for each class" in capsys.readouterr().err
