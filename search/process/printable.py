"""Show names of files, which may hold any character, safely on a terminal."""

import os
from pathlib import Path


def printable(name: str | Path) -> str:
    r"""A name as it is, or with its line breaks, escapes and stray bytes written out (`\n`).

    They are shown, not obeyed: a name must not forge a line of output or drive the terminal.
    """
    text = os.fspath(name)
    return text if text.isprintable() else ascii(text)[1:-1]
