"""How the terminal behaves while something is drawn on it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def without_ctrl_c_echo() -> Iterator[None]:
    """Have the terminal not print `^C` inside.

    It would begin a new line, and what is drawn again would be drawn one line too low.
    """
    try:
        import termios
    except ImportError:
        yield  # this system has no such terminals
        return
    try:
        terminal = sys.stdin.fileno()
        before = termios.tcgetattr(terminal)
    except (AttributeError, OSError, ValueError, termios.error):
        yield  # nobody types here
        return

    def change(settings: list[Any]) -> None:
        # One in the background that changes its terminal is stopped by the system.
        if _is_in_foreground(terminal):
            termios.tcsetattr(terminal, termios.TCSANOW, settings)

    local = before[3] & ~termios.ECHOCTL
    change([*before[:3], local, *before[4:]])
    try:
        yield
    finally:
        change(before)


def _is_in_foreground(terminal: int) -> bool:
    """Whether what is typed at this terminal comes to this process."""
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:  # it is not the terminal of this session: nothing stops who changes it
        return True
