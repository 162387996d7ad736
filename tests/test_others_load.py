"""How much others use of the processor while something is timed."""

import os
import time

import numpy as np
import pytest

from search.formats import latency as latency_module
from search.formats.latency import latency
from search.process import others_load
from search.process.others_load import OthersLoad, busy_in_words

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


def test_this_system_tells(tmp_path):
    load = OthersLoad()
    ended = time.process_time() + 0.1
    while time.process_time() < ended:
        pass
    share = load.share()
    assert share is None or 0 <= share <= 1


def test_a_timing_says_what_others_used(monkeypatch):
    class Load:
        def share(self):
            return 0.4

    monkeypatch.setattr(latency_module, "OthersLoad", Load)
    timed = latency(lambda batch: batch, np.zeros((2, 2, 3), np.uint8), repeats=3)
    assert timed.others == 0.4
