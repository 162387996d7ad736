"""How much others use of the processor while something is timed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from search.process.machine import others_load
from search.process.machine.others_load import OthersLoad, busy_in_words

TICKS = os.sysconf("SC_CLK_TCK")


@pytest.fixture
def stat(tmp_path, monkeypatch):
    """A file that says how long all cores have worked, as a test sets it; and a clock."""
    path, now, own = tmp_path / "stat", [100.0], [5.0]

    def worked(seconds, idle=1000):
        ticks = int(seconds * TICKS)
        path.write_text(f"cpu  {ticks} 0 0 {idle} 7 0 0 0 0 0\ncpu0 1 2 3 4\n")

    worked(50)
    monkeypatch.setattr(others_load, "_STAT", path)
    monkeypatch.setattr(others_load.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(others_load, "_own_seconds", lambda: own[0])
    monkeypatch.setattr(others_load.os, "cpu_count", lambda: 4)
    return worked, now, own


def test_what_this_process_uses_is_left_out(stat):
    worked, now, own = stat
    load = OthersLoad()
    now[0] += 10  # of 40 s of all cores
    own[0] += 8
    worked(50 + 8 + 10)
    assert load.share() == pytest.approx(0.25)
    worked(50 + 8)
    assert load.share() == 0.0


def test_a_system_that_does_not_tell_is_not_guessed_at(stat, tmp_path, monkeypatch):
    _, now, _ = stat
    load = OthersLoad()
    now[0] += 1
    for content in ("", "cpu  1 2\n", "cpu  a b c d e f g h\n"):
        (tmp_path / "stat").write_text(content)
        assert load.share() is None
    (tmp_path / "stat").unlink()
    assert load.share() is None
    assert OthersLoad().busy is None


def test_it_is_said_only_where_it_matters():
    assert [busy_in_words(share) for share in (None, 0.0, 0.25)] == ["", "", ""]
    assert busy_in_words(0.6) == (
        "other programs used 60 % of the cores meanwhile: times may be too high"
    )


def test_what_is_too_short_for_the_system_to_count_is_not_known(stat):
    """It counts in hundredths of a second: one of them is a third of 15 ms of two cores."""
    worked, now, _ = stat
    load = OthersLoad()
    worked(50.01)
    now[0] += 0.4
    assert load.share() is None
    now[0] += 0.2
    assert load.share() == pytest.approx(0.01 / 2.4)


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="this system does not tell")
def test_another_program_that_works_is_seen():
    code = "import time; end = time.time() + 1.2\nwhile time.time() < end: pass"
    load = OthersLoad()
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert load.share() > 0.3 / os.cpu_count()
