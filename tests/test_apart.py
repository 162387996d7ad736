"""Functions that are called in a process of their own."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
from recorded_progress import Recorded
from waiting import wait_until

from data_pipeline.errors import DataError
from search.errors import TuneError
from search.process.apart import call_apart
from search.process.piped_progress import ElsewhereError


class OddError(Exception):
    """One that cannot be pickled as it is."""

    def __init__(self, number, place):
        super().__init__(f"{number} at {place}")


def work(do, folder=None, *, progress):
    """What the process does in these tests."""
    progress.message("begins")
    with progress.task("counting", counted=True) as task:
        for number in range(4):
            task.update(number, 3)
        if do == "fail":
            raise DataError("no such image")
        if do == "fail oddly":
            raise OddError(3, "here")
        if do == "warn":
            warnings.warn("this is odd", stacklevel=1)
            warnings.warn("of a library", FutureWarning, stacklevel=1)
        if do == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if do == "wait":
            begun, saved = Path(folder, "begun"), Path(folder, "saved")
            begun.write_text(str(os.getpid()))
            try:
                time.sleep(60)
            except KeyboardInterrupt:
                time.sleep(0.5)
                saved.touch()
                raise
    progress.warning("ends")
    return os.getpid()


class Interrupting(Recorded):
    """A sink that is interrupted when a file is there."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def update(self, done, total, description=None):
        if done == total:
            wait_until((self.folder / "begun").exists)
            raise KeyboardInterrupt


def test_a_process_says_how_far_it_is_and_what_it_returns(capfd):
    sink = Recorded()
    assert call_apart(work, "well", progress=sink) != os.getpid()
    assert sink.lines == ["begins", "warning: ends"]
    assert sink.tasks == ["counting"]
    # In between it may say nothing.
    assert (sink.updates[0], sink.updates[-1]) == ((0, 3, None), (3, 3, None))
    assert multiprocessing.active_children() == []
    assert capfd.readouterr().err == ""


def test_an_error_is_raised_here_and_says_where_it_was_raised_there(capfd):
    with pytest.raises(DataError, match="no such image") as caught:
        call_apart(work, "fail", progress=Recorded())
    assert isinstance(caught.value.__cause__, ElsewhereError)
    assert 'raise DataError("no such image")' in str(caught.value.__cause__)
    with pytest.raises(TuneError, match="OddError: 3 at here"):
        call_apart(work, "fail oddly", progress=Recorded())
    assert capfd.readouterr().err == ""


def test_warnings_are_given_here_but_for_those_of_libraries():
    with pytest.warns(UserWarning, match="this is odd") as caught:
        call_apart(work, "warn", progress=Recorded())
    assert len(caught) == 1


def test_a_process_that_is_killed_is_an_error_and_not_the_end_of_this_one():
    with pytest.raises(TuneError, match=r"ended from outside \(SIGKILL, as for want of memory\)"):
        call_apart(work, "die", progress=Recorded())


def test_on_ctrl_c_the_process_has_the_time_that_it_needs(tmp_path, capfd):
    with pytest.raises(KeyboardInterrupt):
        call_apart(work, "wait", tmp_path, progress=Interrupting(tmp_path))
    assert (tmp_path / "saved").exists()
    assert multiprocessing.active_children() == []
    assert capfd.readouterr().err == ""


def test_a_process_is_interrupted_once_however_often_it_is_told_to_end(tmp_path):
    class Twice(Interrupting):
        def update(self, done, total, description=None):
            try:
                super().update(done, total)
            except KeyboardInterrupt:
                # As where a system ends all processes of a job, and then this one the other.
                os.kill(int((self.folder / "begun").read_text()), signal.SIGTERM)
                time.sleep(0.1)
                raise

    with pytest.raises(KeyboardInterrupt):
        call_apart(work, "wait", tmp_path, progress=Twice(tmp_path))
    assert (tmp_path / "saved").exists()


def test_a_process_ends_with_the_one_that_called_it(tmp_path):
    script = (
        "from search.process.apart import call_apart; from search.process.progress import Silent; "
        f"from test_apart import work; call_apart(work, 'wait', {str(tmp_path)!r}, "
        "progress=Silent())"
    )
    paths = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parent / "support")])
    environment = os.environ | {"PYTHONPATH": f"{paths}{os.pathsep}{Path(__file__).parents[1]}"}
    driver = subprocess.Popen([sys.executable, "-c", script], env=environment)
    try:
        wait_until(lambda: (tmp_path / "begun").exists() and (tmp_path / "begun").read_text())
    finally:
        driver.kill()
        driver.wait()
    process = Path("/proc", (tmp_path / "begun").read_text())
    wait_until(lambda: not process.exists())
    assert (tmp_path / "saved").exists()
