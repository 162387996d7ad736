import errno
import fcntl
import os
import stat
import subprocess
import sys
import time
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


LEFTOVERS = [".a.json.0123456789abcdef.tmp", ".b.tmp", "pixels-ab_12cd9.part"]


def grown_old(folder, *names):
    for name in names:
        (folder / name).touch()
        os.utime(folder / name, (1, 1))


def test_leftovers_of_this_and_earlier_versions_are_swept_and_nothing_else(tmp_path):
    others = [".hidden", "a.json", "b.tmp", "mine.part", "old.npy"]
    for folder in (tmp_path, tmp_path / "deep"):
        folder.mkdir(exist_ok=True)
        grown_old(folder, *LEFTOVERS, *others)
    sweep(tmp_path)
    assert names(tmp_path / "deep") == others
    assert names(tmp_path) == sorted([*others, "deep"])


def test_what_a_process_is_still_writing_is_not_swept_and_is_once_it_was_killed(tmp_path):
    code = (
        "import os, sys; from pathlib import Path\n"
        "from data_pipeline.atomic_files import UnfinishedFile\n"
        "file = UnfinishedFile(Path(sys.argv[1]) / 'pixels.npy')\n"
        "os.utime(file.path, (1, 1)); print(file.path.name, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as writer:
        name = writer.stdout.readline().strip()
        sweep(tmp_path)
        assert names(tmp_path) == [name]
        writer.kill()
        writer.wait()
        sweep(tmp_path)
        assert names(tmp_path) == []


def test_a_file_that_was_made_just_now_may_not_be_locked_yet(tmp_path):
    (tmp_path / ".fresh.tmp").touch()
    sweep(tmp_path)
    assert names(tmp_path) == [".fresh.tmp"]


def test_where_a_disk_knows_no_locks_only_what_is_a_day_old_is_swept(tmp_path, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    grown_old(tmp_path, ".old.tmp")
    (tmp_path / ".recent.tmp").touch()
    os.utime(tmp_path / ".recent.tmp", (time.time() - 3600,) * 2)
    with UnfinishedFile(tmp_path / "a") as file:
        sweep(tmp_path)
        assert names(tmp_path) == sorted([".recent.tmp", file.path.name])


def test_the_content_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    there = []
    real = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda handle: (there.append((tmp_path / "a").exists()), real(handle))
    )
    write_bytes(tmp_path / "a", b"content")
    assert there == [False, True]  # the file before the rename, the folder after it


def test_what_only_has_the_name_of_a_leftover_is_neither_waited_for_nor_in_the_way(tmp_path):
    os.mkfifo(tmp_path / ".a.pipe.tmp")
    (tmp_path / ".b.folder.tmp").mkdir()
    (tmp_path / ".c.link.tmp").symlink_to(tmp_path / "kept")
    for name in ("kept", ".z.file.tmp"):
        (tmp_path / name).touch()
    for name in (".a.pipe.tmp", ".b.folder.tmp", "kept", ".z.file.tmp"):
        os.utime(tmp_path / name, (0, 0))
    sweep(tmp_path)
    assert names(tmp_path) == [".a.pipe.tmp", ".b.folder.tmp", ".c.link.tmp", "kept"]


@pytest.fixture
def narrow_umask():
    before = os.umask(0o077)
    yield
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("folder", "below", "file"),
    [(0o2770, 0o2770, 0o660), (0o755, 0o700, 0o600), (0o1777, 0o700, 0o600)],
)
def test_what_lies_in_a_folder_of_a_group_is_shared_with_it_and_nothing_else(
    folder, below, file, tmp_path, narrow_umask
):
    cache = tmp_path / "cache"
    cache.mkdir()
    cache.chmod(folder)
    write_bytes(cache / "prepared" / "images" / "a.npy", b"content", shared=True)
    assert mode(cache / "prepared") == mode(cache / "prepared" / "images") == below
    assert mode(cache / "prepared" / "images" / "a.npy") == file
    # What is no part of a cache stays this user's, a key above all.
    for key in (cache / "key", cache / "own" / "key"):
        write_bytes(key, b"secret")
        assert mode(key) == 0o600
    assert mode(cache / "own") == 0o700 | below & 0o2000
