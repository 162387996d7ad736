import os
import signal

import pytest

from search.process.stop_signal import Going


def test_it_goes_on_until_told_to_stop():
    with Going() as going:
        assert going()
        os.kill(os.getpid(), signal.SIGINT)
        assert not going()
        assert going.interrupted
        assert not going.out_of_time


def test_term_ends_it_cleanly_as_well():
    with Going() as going:
        os.kill(os.getpid(), signal.SIGTERM)
        assert going.interrupted


def test_a_second_signal_ends_the_program_at_once():
    with pytest.raises(KeyboardInterrupt), Going():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)


def test_the_handlers_of_before_come_back_even_after_an_error():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(ValueError, match="x"), Going():
        assert signal.getsignal(signal.SIGINT) != before[0]
        raise ValueError("x")
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_time_runs_out(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    going = Going(60.0)
    assert going()
    now[0] = 60.0
    assert not going()
    assert going.out_of_time
    assert not going.interrupted
