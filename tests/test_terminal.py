import os
import sys

import pytest

from search.process.terminal import without_ctrl_c_echo

termios = pytest.importorskip("termios")


def test_a_terminal_prints_no_ctrl_c_inside_and_does_again_after(monkeypatch):
    master, slave = os.openpty()
    with os.fdopen(slave) as typed:
        monkeypatch.setattr(sys, "stdin", typed)
        before = termios.tcgetattr(slave)
        assert before[3] & termios.ECHOCTL
        with pytest.raises(KeyboardInterrupt), without_ctrl_c_echo():
            assert not termios.tcgetattr(slave)[3] & termios.ECHOCTL
            raise KeyboardInterrupt
        assert termios.tcgetattr(slave) == before
    os.close(master)


def test_in_the_background_the_terminal_is_left_alone(monkeypatch):
    """The system stops a process in the background that changes its terminal."""
    master, slave = os.openpty()
    with os.fdopen(slave) as typed:
        monkeypatch.setattr(sys, "stdin", typed)
        before = termios.tcgetattr(slave)
        monkeypatch.setattr("search.process.terminal.os.tcgetpgrp", lambda _: os.getpgrp() + 1)
        with without_ctrl_c_echo():
            assert termios.tcgetattr(slave) == before
        monkeypatch.setattr("search.process.terminal.os.tcgetpgrp", lambda _: os.getpgrp())
        with without_ctrl_c_echo():
            assert termios.tcgetattr(slave) != before
            monkeypatch.setattr("search.process.terminal.os.tcgetpgrp", lambda _: 0)  # bg
        assert termios.tcgetattr(slave) != before
    os.close(master)
    monkeypatch.setattr(sys, "stdin", None)
    with without_ctrl_c_echo():
        pass


def test_where_nobody_types_what_is_inside_runs_all_the_same(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    ran = []
    with (tmp_path / "file").open() as typed:
        monkeypatch.setattr(sys, "stdin", typed)
        with without_ctrl_c_echo():
            ran.append("file")
    with without_ctrl_c_echo():  # a closed stream
        ran.append("closed")
    assert ran == ["file", "closed"]
