"""One program a run, and a lock that dies with its holder."""

import errno
import fcntl
import multiprocessing
import os

import pytest

from search.errors import TuneError
from search.run_folder.paths import RunFolder
from search.runs.lock import is_locked, locked
from search.runs.remove import remove


def test_a_second_holder_is_refused_and_told_who_has_it(tmp_path):
    run = RunFolder(tmp_path / "run")
    with locked(run), pytest.raises(TuneError, match=f"process {os.getpid()} works"), locked(run):
        pytest.fail("held twice")
    with locked(run):
        assert (run.path / "lock").read_text() == str(os.getpid())


def _hold_and_die(path):
    with locked(RunFolder(path)):
        os._exit(9)


def test_a_dead_holder_does_not_keep_it(tmp_path):
    holder = multiprocessing.get_context("fork").Process(target=_hold_and_die, args=(tmp_path,))
    holder.start()
    holder.join()
    assert holder.exitcode == 9
    with locked(RunFolder(tmp_path)):
        assert (tmp_path / "lock").read_text() == str(os.getpid())


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_on_a_disk_without_locks_the_run_is_worked_on_with_a_warning(tmp_path, monkeypatch, number):
    def none_here(handle, kind):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("search.runs.lock.fcntl.flock", none_here)
    with pytest.warns(UserWarning, match="has no locks"), locked(RunFolder(tmp_path)):
        assert not is_locked(RunFolder(tmp_path))


def test_a_deleted_run_takes_what_was_left_of_others_along(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    (tmp_path / f".other.{32 * 'a'}.removed").mkdir()
    (tmp_path / ".photos.old.removed").mkdir()  # somebody else's
    remove(run)
    assert [path.name for path in tmp_path.iterdir()] == [".photos.old.removed"]


def test_who_only_looks_whether_a_run_is_locked_keeps_no_one_out(tmp_path, monkeypatch):
    handle = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(handle, fcntl.LOCK_SH)
    monkeypatch.setattr("search.runs.lock.time.sleep", lambda _: os.close(handle))
    with locked(RunFolder(tmp_path)):
        assert is_locked(RunFolder(tmp_path))
