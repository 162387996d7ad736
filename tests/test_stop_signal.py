import math
import os
import signal

import pytest

from search.process import stop_signal
from search.process.stop_signal import StopSignal


def test_it_is_requested_by_ctrl_c_and_not_before():
    with StopSignal() as stop:
        assert not stop.requested
        stop.raise_if_requested()
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.requested
        assert stop.interrupted
        assert stop.reason == "interrupted"
        with pytest.raises(KeyboardInterrupt):
            stop.raise_if_requested()


def test_term_ends_it_cleanly_as_well():
    with StopSignal() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.interrupted


def test_where_nobody_asks_yet_the_first_signal_ends_the_program_at_once():
    with pytest.raises(KeyboardInterrupt), StopSignal(asked=False) as stop:
        os.kill(os.getpid(), signal.SIGINT)
    assert stop.interrupted


def test_a_second_signal_ends_the_program_at_once():
    with pytest.raises(KeyboardInterrupt), StopSignal():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)


def test_the_handlers_of_before_come_back_even_after_an_error():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(ValueError, match="x"), StopSignal():
        assert signal.getsignal(signal.SIGINT) != before[0]
        raise ValueError("x")
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_time_runs_out(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    stop = StopSignal(60.0)
    assert not stop.requested
    assert StopSignal().seconds_left() == math.inf
    now[0] = 20.0
    stop.keep_back(15.0)
    assert stop.seconds_left() == 25.0
    assert (stop.seconds_to_limit(), StopSignal().seconds_to_limit()) == (40.0, None)
    stop.keep_back(0.0)
    now[0] = 60.0
    assert stop.requested
    assert stop.reason == "time is up"
    assert not stop.interrupted


def test_who_is_told_to_stop_is_told_so_from_then_on(tmp_path, monkeypatch):
    now, free = [0.0], [10**12]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr(stop_signal, "free_bytes", lambda path: free[0])
    stop = StopSignal(60.0)
    now[0] = 50.0
    stop.keep_back(20.0)
    assert stop.requested
    stop.keep_back(0.0)
    assert stop.seconds_left() == 10.0
    assert stop.requested
    full = StopSignal(disks=[tmp_path])
    free[0] = 0
    assert full.requested
    free[0], now[0] = 10**12, now[0] + stop_signal.DISK_CHECK_SECONDS
    assert full.requested


def test_a_full_disk_stops_it_and_is_looked_at_every_few_seconds(tmp_path, monkeypatch):
    now, free = [0.0], [10**12]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr(stop_signal, "free_bytes", lambda path: free[0])
    stop = StopSignal(disks=[tmp_path])
    assert not stop.requested
    free[0] = 0
    assert not stop.requested, "looked at a moment ago"
    now[0] = stop_signal.DISK_CHECK_SECONDS
    assert stop.requested
    assert f"the disk of {tmp_path} is nearly full: 0 MiB are free, and 256 MiB" in stop.reason
