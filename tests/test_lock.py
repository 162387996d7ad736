"""One program a run, and a lock that dies with its holder."""

import multiprocessing
import os

import pytest

from search.errors import TuneError
from search.run_folder.lock import locked
from search.run_folder.paths import RunFolder


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
