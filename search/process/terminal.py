"""How the terminal behaves while something is drawn on it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


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
    except (OSError, ValueError, termios.error):
        yield  # nobody types here
        return
    local = before[3] & ~termios.ECHOCTL
    termios.tcsetattr(terminal, termios.TCSANOW, [*before[:3], local, *before[4:]])
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)
