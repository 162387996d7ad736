import errno
import json
import os
from pathlib import Path

import pytest

from data_pipeline.catalog.entries import Catalog
from data_pipeline.catalog.entry import Entry
from data_pipeline.catalog.quarantine import quarantine, restore
from data_pipeline.errors import DataError

_CONTENTS = {"cat/words.jpg": b"words", "cat/deep/words.jpg": b"more", "dog/caf\udce9.jpg": b""}


@pytest.fixture
def folder(photos):
    for path, contents in _CONTENTS.items():
        (photos / path).parent.mkdir(exist_ok=True)
        (photos / path).write_bytes(contents)
        os.utime(photos / path, ns=(1, 1_600_000_000_123_456_789))
    return photos


def _catalog(folder: Path) -> Catalog:
    entries = []
    for path in _CONTENTS:
        status = (folder / path).stat()
        label = path.split("/")[0]
        entries.append(
            Entry(path, label, None, status.st_size, status.st_mtime_ns, reason="not an image")
        )
    return Catalog(folder, tuple(entries), ("cat", "dog"))


def _state(folder: Path):
    return {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def _no_rename(self, target):
    raise OSError(errno.EXDEV, "Invalid cross-device link")


@pytest.mark.parametrize("across_file_systems", [False, True])
def test_bad_files_go_and_come_back_byte_for_byte(
    folder, tmp_path, monkeypatch, across_file_systems
):
    if across_file_systems:
        monkeypatch.setattr(Path, "rename", _no_rename)
    before = _state(folder)
    assert quarantine(_catalog(folder), tmp_path / "bad") == 3
    assert not any((folder / path).exists() for path in _CONTENTS)
    assert len(_state(folder)) == 8
    manifest = json.loads((tmp_path / "bad" / "manifest.json").read_text())
    assert manifest["files"][0]["reason"] == "not an image"
    assert restore(tmp_path / "bad") == 3
    assert _state(folder) == before
    assert list((tmp_path / "bad").iterdir()) == []


def test_restore_overwrites_nothing_and_puts_the_others_back(folder, tmp_path):
    quarantine(_catalog(folder), tmp_path / "bad")
    (folder / "cat" / "words.jpg").write_bytes(b"another")
    with pytest.raises(DataError, match=r"put 2 back; 1 not.*words\.jpg"):
        restore(tmp_path / "bad")
    assert (folder / "cat" / "words.jpg").read_bytes() == b"another"
    (folder / "cat" / "words.jpg").unlink()
    assert restore(tmp_path / "bad") == 1
    assert (folder / "cat" / "words.jpg").read_bytes() == b"words"


def test_a_crash_after_any_number_of_moves_loses_nothing(folder, tmp_path, monkeypatch):
    before, rename = _state(folder), Path.rename
    for moves in range(3):
        done = []

        def crash(self, target, limit=moves, done=done):
            if len(done) == limit:
                raise KeyboardInterrupt
            done.append(self)
            return rename(self, target)

        monkeypatch.setattr(Path, "rename", crash)
        with pytest.raises(KeyboardInterrupt):
            quarantine(_catalog(folder), tmp_path / f"bad{moves}")
        monkeypatch.undo()
        assert restore(tmp_path / f"bad{moves}") == moves
        assert _state(folder) == before


def test_two_quarantines_in_one_folder_come_back_together(folder, tmp_path):
    before = _state(folder)
    catalog = _catalog(folder)
    quarantine(catalog, tmp_path / "bad")
    (folder / "cat" / "words.jpg").write_bytes(b"new!!")
    os.utime(folder / "cat" / "words.jpg", ns=(1, 1_600_000_000_123_456_789))
    assert quarantine(catalog, tmp_path / "bad") == 1
    assert len(_state(tmp_path / "bad")) == 5
    with pytest.raises(DataError, match="1 not"):
        restore(tmp_path / "bad")
    assert _state(folder) == before


def test_a_file_mended_since_its_check_stays(folder, tmp_path):
    catalog = _catalog(folder)
    (folder / "cat" / "words.jpg").write_bytes(b"a mended image")
    assert quarantine(catalog, tmp_path / "bad") == 2
    assert (folder / "cat" / "words.jpg").read_bytes() == b"a mended image"


def test_a_folder_inside_the_data_is_refused(folder):
    with pytest.raises(DataError, match="lies inside"):
        quarantine(_catalog(folder), folder / "bad")


def test_a_folder_that_is_no_quarantine_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"no manifest\.json there"):
        restore(tmp_path)
    record = {"origin": str(tmp_path / "x"), "stored": "../x"}
    (tmp_path / "manifest.json").write_text(json.dumps({"files": [record]}))
    with pytest.raises(DataError, match="outside the folder"):
        restore(tmp_path)


def test_a_manifest_of_somebody_else_restores_nothing_until_told_where_to(
    folder, tmp_path, monkeypatch
):
    before, bad_files = _state(folder), _catalog(folder)
    quarantine(bad_files, tmp_path / "bad")
    manifest = tmp_path / "bad" / "manifest.json"
    values = json.loads(manifest.read_text())
    values["files"][0]["origin"] = str(tmp_path / "home" / ".profile")
    manifest.write_text(json.dumps(values))
    with pytest.raises(DataError, match=r"not written by you on this machine.*--into DATA"):
        restore(tmp_path / "bad")
    with pytest.raises(DataError, match="not written by you"):
        quarantine(bad_files, tmp_path / "bad")  # nor is it signed by adding to it
    assert not (tmp_path / "home").exists()
    stored = values["files"][1]["stored"]
    (folder / stored).parent.mkdir(parents=True, exist_ok=True)
    (folder / stored).write_text("something else")
    with pytest.raises(DataError, match="put 2 back; 1 not"):
        restore(tmp_path / "bad", folder)
    outside = (tmp_path / "outside").resolve()
    (left,) = json.loads(manifest.read_text())["files"]
    assert left["origin"] == str((folder / stored).resolve())  # which is signed by now
    (folder / stored).unlink()
    inside = (folder / stored).parent
    inside.rename(outside)
    inside.symlink_to(outside)
    with pytest.raises(DataError, match="put 0 back; 1 not"):  # nor a link out of it
        restore(tmp_path / "bad")
    inside.unlink()
    outside.rename(inside)
    assert restore(tmp_path / "bad") == 1
    assert not (tmp_path / "home").exists()
    assert _state(folder) == before


def test_folders_of_the_users_own_stay_where_files_are_put_back_from_among_them(folder, tmp_path):
    own = tmp_path / "bad" / "own" / "empty"
    own.mkdir(parents=True)
    quarantine(_catalog(folder), tmp_path / "bad")
    restore(tmp_path / "bad")
    assert [path for path in (tmp_path / "bad").rglob("*") if path.is_dir()] == [own.parent, own]


def test_nothing_is_moved_through_a_link_to_a_folder(folder, tmp_path):
    catalog = _catalog(folder)
    quarantine(catalog, tmp_path / "bad")
    private = tmp_path / "private"
    (tmp_path / "bad" / "dog").rename(private)
    (tmp_path / "bad" / "dog").symlink_to(private)
    with pytest.raises(DataError, match="put 2 back; 1 not, .*a link leads out .*first: dog/"):
        restore(tmp_path / "bad")
    assert len(list(private.iterdir())) == 1
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "cat").symlink_to(private)
    quarantine(catalog, tmp_path / "more")
    with pytest.raises(DataError, match="put 0 back; 2 not, .*a link leads out .*first: cat/"):
        restore(tmp_path / "more", tmp_path / "other")
    assert len(list(private.iterdir())) == 1


def test_a_second_file_of_one_name_keeps_its_suffix(folder, tmp_path):
    catalog = _catalog(folder)
    quarantine(catalog, tmp_path / "bad")
    (folder / "cat" / "words.jpg").write_bytes(b"new!!")
    os.utime(folder / "cat" / "words.jpg", ns=(1, 1_600_000_000_123_456_789))
    quarantine(catalog, tmp_path / "bad")
    assert (tmp_path / "bad" / "cat" / "words.2.jpg").read_bytes() == b"new!!"


def test_the_manifest_itself_is_no_file_to_put_back(folder, tmp_path):
    quarantine(_catalog(folder), tmp_path / "bad")
    manifest = tmp_path / "bad" / "manifest.json"
    values = json.loads(manifest.read_text())
    values["files"][0]["stored"] = "manifest.json"
    manifest.write_text(json.dumps(values))
    with pytest.raises(DataError, match="not a manifest of quarantined files"):
        restore(tmp_path / "bad", tmp_path / "into")
    assert manifest.exists()


def test_without_a_home_what_is_set_aside_can_be_told_where_to_go(folder, tmp_path, monkeypatch):
    before = _state(folder)
    monkeypatch.setenv("XDG_DATA_HOME", "/dev/null/none")
    quarantine(_catalog(folder), tmp_path / "bad")
    with pytest.raises(DataError, match="not written by you"):
        restore(tmp_path / "bad")
    assert restore(tmp_path / "bad", folder) == 3
    assert _state(folder) == before
