import os
from pathlib import Path

import pytest
from drawing import draw, draw_folder

from data_pipeline.catalog import class_folders as module
from data_pipeline.catalog.class_folders import list_class_folders
from data_pipeline.errors import DataError


def _paths(listing):
    return [file.path for file in listing.files]


def _problems(folder):
    return {file.path: file.problem for file in list_class_folders(folder).files}


def test_class_folders_become_labels_and_files_come_sorted(photos):
    (photos / "dog" / "deep").mkdir()
    draw(1).save(photos / "dog" / "deep" / "x.png")
    listing = list_class_folders(photos)
    assert listing.class_names == ("cat", "dog")
    assert _paths(listing) == sorted(_paths(listing))
    assert {file.label for file in listing.files if "deep" in file.path} == {"dog"}
    assert all(file.split is None for file in listing.files)


def test_one_class_folder_is_an_error_that_says_what_to_do(tmp_path):
    draw_folder(tmp_path / "photos", {"cat": 1})
    with pytest.raises(DataError, match=r"found 1 class folder \(cat\), need at least 2; put"):
        list_class_folders(tmp_path / "photos")


@pytest.mark.parametrize("name", ["validation", "val", "Valid"])
def test_given_splits_are_recognised(tmp_path, name):
    draw_folder(tmp_path / "train", {"cat": 2, "dog": 2})
    draw_folder(tmp_path / name, {"cat": 1, "dog": 1})
    listing = list_class_folders(tmp_path)
    assert listing.class_names == ("cat", "dog")
    assert sorted(file.split for file in listing.files) == ["train"] * 4 + ["validation"] * 2


def test_train_alone_is_a_class(tmp_path):
    draw_folder(tmp_path, {"train": 1, "bus": 1})
    assert list_class_folders(tmp_path).class_names == ("bus", "train")


def test_splits_beside_other_folders_are_refused(tmp_path):
    for name in ("train", "test", "extra"):
        draw_folder(tmp_path / name, {"cat": 1, "dog": 1})
    with pytest.raises(DataError, match=r"other folders \(extra\)"):
        list_class_folders(tmp_path)


def test_clutter_is_left_out_but_unknown_suffixes_are_not(photos):
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "labels.csv", "notes.txt"):
        (photos / "cat" / name).write_bytes(b"x")
    (photos / ".git").mkdir()
    (photos / "cat" / "odd.xyz").write_bytes(b"x")
    (photos / "cat" / "bare").write_bytes(b"x")
    listing = list_class_folders(photos)
    assert listing.class_names == ("cat", "dog")
    odd = [path for path in _paths(listing) if not path.endswith(".png")]
    assert odd == ["cat/bare", "cat/odd.xyz"]


def test_what_must_not_be_opened_has_a_problem(photos, tmp_path):
    draw(1).save(tmp_path / "outside.png")
    (tmp_path / "elsewhere").mkdir()
    os.mkfifo(photos / "cat" / "pipe.jpg")
    (photos / "cat" / "out.png").symlink_to(tmp_path / "outside.png")
    (photos / "cat" / "folder").symlink_to(tmp_path / "elsewhere")
    (photos / "cat" / "loop").symlink_to(photos / "cat")
    (photos / "cat" / "inside.png").symlink_to(photos / "cat" / "cat_0.png")
    (photos / "cat" / "dangling.png").symlink_to(photos / "cat" / "absent.png")
    problems = _problems(photos)
    assert problems["cat/pipe.jpg"] == "not a regular file"
    assert problems["cat/out.png"] == "symbolic link out of the folder"
    assert problems["cat/folder"] == "symbolic link out of the folder"
    assert problems["cat/loop"] == "symbolic link to a folder"
    assert problems["cat/inside.png"] == problems["cat/cat_0.png"] == ""
    assert problems["cat/dangling.png"].startswith("unreadable")


def test_odd_names_are_kept_as_they_are(photos):
    for name in (b"new\nline.png", b"-rf.png", b'quo"te.png', b"caf\xe9.png"):
        draw(1).save(os.fsdecode(os.fsencode(photos / "cat") + b"/" + name), "PNG")
    paths = _paths(list_class_folders(photos))
    assert {os.fsencode(path) for path in paths} >= {
        b"cat/new\nline.png",
        b"cat/caf\xe9.png",
    }
    assert all((photos / path).exists() for path in paths)


def refuse(folder_name, error, monkeypatch):
    """Make one folder's listing fail; returns how often each folder is listed."""
    listed, counts = os.scandir, {}

    def scandir(path):
        counts[os.path.basename(path)] = counts.get(os.path.basename(path), 0) + 1  # noqa: PTH119
        if os.path.basename(path) == folder_name:  # noqa: PTH119
            raise error
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    return counts


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (PermissionError(13, "Permission denied"), "unreadable: Permission denied"),
        (FileNotFoundError(2, "No such file or directory"), "unreadable: No such file"),
    ],
)
def test_a_folder_below_that_cannot_be_listed_is_one_bad_entry(photos, monkeypatch, error, problem):
    (photos / "cat" / "locked").mkdir()
    refuse("locked", error, monkeypatch)
    problems = _problems(photos)
    assert problems.pop("cat/locked").startswith(problem)
    assert len(problems) == 8


def test_a_class_folder_that_cannot_be_listed_is_an_error(photos, monkeypatch):
    refuse("cat", PermissionError(13, "Permission denied"), monkeypatch)
    with pytest.raises(DataError, match="cat: Permission denied; .* check its permissions"):
        list_class_folders(photos)


def test_a_file_gone_since_its_folder_was_listed_is_one_bad_entry(photos, monkeypatch):
    (photos / "cat" / "link.png").symlink_to(photos / "cat" / "cat_0.png")
    listed = module._list

    def list_and_delete(folder):
        entries = listed(folder)
        if Path(folder).name == "cat":
            (photos / "cat" / "cat_1.png").unlink()
        return entries

    monkeypatch.setattr(module, "_list", list_and_delete)
    problems = _problems(photos)
    assert problems["cat/cat_1.png"].startswith("unreadable: No such file")
    assert problems["cat/link.png"] == ""
    assert len(problems) == 9


def test_a_folder_of_ten_thousand_files_is_listed_once(photos, monkeypatch):
    for number in range(10_000):
        os.link(photos / "cat" / "cat_0.png", photos / "cat" / f"{number}.png")
    counts = refuse("nobody", OSError(), monkeypatch)
    assert len(list_class_folders(photos).files) == 10_008
    assert counts == {"photos": 1, "cat": 1, "dog": 1}
