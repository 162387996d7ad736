"""Call commands of `tune` in this process, and tell how they ended."""

import io
import signal
import warnings
from contextlib import redirect_stderr, redirect_stdout

from search.cli import _run

SECONDS = 60  # for one command


class HangError(Exception):
    """A command took too long."""


def answer(arguments):
    """What a command prints, and how it ended: a status, or the name of an exception."""
    out, err = io.StringIO(), io.StringIO()

    def hang(*_):
        raise HangError

    signal.signal(signal.SIGALRM, hang)
    signal.alarm(SECONDS)
    said = []
    try:
        with warnings.catch_warnings(record=True) as caught, redirect_stdout(out):
            warnings.simplefilter("always")
            with redirect_stderr(err):
                status = _run(arguments)
        said = [str(w.message) for w in caught if w.category is UserWarning]
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is counted
        status = f"{type(error).__name__}: {str(error)[:200]}"
    finally:
        signal.alarm(0)
    # Sizes on the disk change with every damage.
    lines = [line for line in out.getvalue().splitlines() if '"bytes"' not in line]
    return status, "\n".join(lines), err.getvalue() + "".join(said)
