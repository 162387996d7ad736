import os
from itertools import islice

import pytest
from drawing import draw, draw_folder

from data_pipeline.errors import DataError
from data_pipeline.listing import folder_files as module
from data_pipeline.listing.class_folders import list_class_folders


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


@pytest.mark.parametrize(
    ("train", "name", "split"),
    [
        ("train", "validation", "validation"),
        ("Training", "val", "validation"),
        ("TRAIN", "Valid", "validation"),
        ("train", "dev", "validation"),
        ("train", "eval", "validation"),
        ("train", "Holdout", "test"),
        ("training", "TESTING", "test"),
    ],
)
def test_given_splits_are_recognised(tmp_path, train, name, split):
    draw_folder(tmp_path / train, {"cat": 2, "dog": 2})
    draw_folder(tmp_path / name, {"cat": 1, "dog": 1})
    listing = list_class_folders(tmp_path)
    assert listing.class_names == ("cat", "dog")
    assert sorted(file.split for file in listing.files) == sorted(["train"] * 4 + [split] * 2)


def test_a_train_is_also_a_vehicle(tmp_path):
    draw_folder(tmp_path, {"train": 1, "bus": 1})
    assert list_class_folders(tmp_path).class_names == ("bus", "train")
    draw_folder(tmp_path / "train", {"cat": 1})
    with pytest.raises(DataError, match=r"the folder train is no class by its name; expected"):
        list_class_folders(tmp_path)


@pytest.mark.parametrize("name", ["test", "Eval"])
def test_a_class_that_is_called_as_a_split_is_refused(tmp_path, name):
    draw_folder(tmp_path, {name: 1, "bus": 1})
    with pytest.raises(DataError, match=rf"{name} is no class .*; rename {name} if it is a class"):
        list_class_folders(tmp_path)


def test_classes_that_hold_the_same_folders_are_refused(tmp_path):
    for year in ("2019", "2020"):
        draw_folder(tmp_path / "years" / year, {"cat": 1, "dog": 1, f"only {year}": 1})
    with pytest.raises(DataError, match=r"2019, 2020 all hold the same folders \(cat, dog\); exp"):
        list_class_folders(tmp_path / "years")
    for label in ("cat", "dog"):
        draw_folder(tmp_path / "splits" / label, {"train": 1, "test": 1})
    with pytest.raises(DataError, match="expected the classes inside of the splits, as train/"):
        list_class_folders(tmp_path / "splits")
    for label in ("cat", "dog"):
        draw_folder(tmp_path / "deep" / label, {"images": 1})
    assert list_class_folders(tmp_path / "deep").class_names == ("cat", "dog")


def test_a_folder_above_the_classes_beside_empty_ones_names_the_one_that_was_meant(tmp_path):
    draw_folder(tmp_path / "above" / "data", {"cat": 1, "dog": 1})
    (tmp_path / "above" / "notes").mkdir()
    with pytest.raises(DataError, match=f"did you mean {tmp_path}/above/data"):
        list_class_folders(tmp_path / "above")
    (tmp_path / "above" / "notes" / ".DS_Store").touch()
    (tmp_path / "above" / "data" / ".DS_Store").touch()
    with pytest.raises(DataError, match=f"did you mean {tmp_path}/above/data"):
        list_class_folders(tmp_path / "above")
    # Images beside the folders: it is a class, and sorted in part.
    draw(1).save(tmp_path / "above" / "data" / "loose.png")
    assert list_class_folders(tmp_path / "above").class_names == ("data", "notes")
    # A class may be empty still, and another one sorted into folders.
    draw_folder(tmp_path / "classes" / "cat", {"2019": 1})
    (tmp_path / "classes" / "dog").mkdir()
    assert list_class_folders(tmp_path / "classes").class_names == ("cat", "dog")


def test_a_folder_of_data_sets_names_one_that_was_meant(tmp_path):
    draw_folder(tmp_path, {"notes": 1})
    for name in ("train", "Val"):
        draw_folder(tmp_path / "flowers" / name, {"daisy": 1, "rose": 1})
    meant = f"flowers holds Val, train, and is a data set .*; did you mean {tmp_path}/flowers"
    with pytest.raises(DataError, match=meant):
        list_class_folders(tmp_path)


def test_one_level_too_high_names_the_folder_that_was_meant(tmp_path):
    draw_folder(tmp_path / "all" / "photos", {"cat": 1, "dog": 1})
    meant = rf"found 1 class folder \(all\), need at least 2; {tmp_path}/all/photos holds folders"
    with pytest.raises(DataError, match=meant):
        list_class_folders(tmp_path)


def test_images_without_folders_are_counted(tmp_path):
    for number in range(2):
        draw(number).save(tmp_path / f"{number}.png")
    with pytest.raises(DataError, match=r"found 0 class folders, .*; 2 files lie directly in it:"):
        list_class_folders(tmp_path)


def test_what_is_no_file_of_a_class_is_named_with_its_reason(photos, tmp_path):
    draw_folder(tmp_path / "elsewhere", {"fish": 2})
    (photos / "fish").symlink_to(tmp_path / "elsewhere" / "fish")
    (photos / ".git").mkdir()
    draw(1).save(photos / "loose.png")
    (photos / "labels.csv").touch()
    (photos / "cat" / "Thumbs.db").touch()
    listing = list_class_folders(photos)
    assert {entry.path: entry.reason for entry in listing.left_out} == {
        ".git": "hidden",
        "cat/Thumbs.db": "file of the system",
        "fish": "symbolic link to a folder",
        "labels.csv": ".csv file",
        "loose.png": "beside the class folders",
    }
    followed = list_class_folders(photos, follow_links=True)
    assert followed.class_names == ("cat", "dog", "fish")
    assert "fish" not in [entry.path for entry in followed.left_out]


def test_only_linked_classes_are_pointed_at(tmp_path):
    draw_folder(tmp_path / "photos", {"cat": 1})
    draw_folder(tmp_path / "elsewhere", {"dog": 1})
    (tmp_path / "photos" / "dog").symlink_to(tmp_path / "elsewhere" / "dog")
    with pytest.raises(DataError, match=r"--follow-links takes the linked folders \(dog\)"):
        list_class_folders(tmp_path / "photos")


def test_loose_files_of_a_split_are_named(tmp_path):
    for name in ("train", "test"):
        draw_folder(tmp_path / name, {"cat": 1, "dog": 1})
    draw(1).save(tmp_path / "test" / "unlabelled.png")
    (found,) = list_class_folders(tmp_path).left_out
    assert (found.path, found.reason) == ("test/unlabelled.png", "beside the class folders")


def test_links_are_followed_but_never_round_in_circles(photos, tmp_path):
    draw_folder(tmp_path / "elsewhere", {"more": 2})
    draw(1).save(tmp_path / "outside.png")
    (photos / "cat" / "out.png").symlink_to(tmp_path / "outside.png")
    (photos / "cat" / "more").symlink_to(tmp_path / "elsewhere" / "more")
    (photos / "cat" / "up").symlink_to(photos)
    (photos / "cat" / "self").symlink_to(photos / "cat")
    (tmp_path / "elsewhere" / "more" / "back").symlink_to(tmp_path)
    listing = list_class_folders(photos, follow_links=True)
    problems = {file.path: file.problem for file in listing.files}
    assert problems["cat/out.png"] == problems["cat/more/more_1.png"] == ""
    circle = "symbolic link to a folder that holds it"
    assert problems["cat/up"] == problems["cat/self"] == problems["cat/more/back"] == circle
    assert len(problems) == 8 + 3 + 3


def test_names_that_may_be_one_class_are_doubted(tmp_path):
    composed, apart = "caf\u00e9", "cafe\u0301"
    draw_folder(tmp_path, {"Cat": 1, "cat": 1, "dog": 1, "dog ": 1, composed: 1, apart: 1})
    listing = list_class_folders(tmp_path)
    assert len(listing.class_names) == 6
    assert set(listing.doubts) == {
        "'Cat' and 'cat' are 2 classes; rename them alike if they are one",
        "'dog' and 'dog ' are 2 classes; rename them alike if they are one",
        r"'cafe\u0301' and 'caf\xe9' are 2 classes; rename them alike if they are one",
    }


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
    out = "symbolic link out of the folder"
    assert problems["cat/out.png"] == problems["cat/folder"] == out
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

    def list_and_delete(entries, count):
        piece = list(islice(entries, count))
        if "cat_1.png" in {entry.name for entry in piece}:
            (photos / "cat" / "cat_1.png").unlink()
        return piece

    monkeypatch.setattr(module, "islice", list_and_delete)
    problems = _problems(photos)
    assert problems["cat/cat_1.png"].startswith("unreadable: No such file")
    assert problems["cat/link.png"] == ""
    assert len(problems) == 9


def test_a_folder_of_ten_thousand_files_is_listed_for_its_class_and_for_its_files(
    photos, monkeypatch
):
    for number in range(10_000):
        os.link(photos / "cat" / "cat_0.png", photos / "cat" / f"{number}.png")
    counts = refuse("nobody", OSError(), monkeypatch)
    assert len(list_class_folders(photos).files) == 10_008
    assert counts == {"photos": 1, "cat": 2, "dog": 2}
