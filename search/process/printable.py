"""Show names of files, and any other text of a stranger's, safely on a terminal."""

import os
import re
import shlex
from pathlib import Path

# Control characters but line breaks and tabs, and those that turn the direction of text around.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def printable(name: str | Path) -> str:
    r"""A name as it is, or with its line breaks, escapes and stray bytes written out (`\n`).

    They are shown, not obeyed: a name must not forge a line of output or drive the terminal.
    """
    text = os.fspath(name)
    return text if text.isprintable() else ascii(text)[1:-1]


def shell_word(name: str | Path) -> str:
    """A name as it can be pasted into a command line of a POSIX shell."""
    return shlex.quote(printable(name))


def visible(text: str) -> str:
    r"""A text of any length with control characters written out (`\x1b`), line breaks kept."""
    return _UNSEEN.sub(lambda found: _escape(found[0]), text)


def json_text(text: str) -> str:
    r"""JSON with such characters, and stray bytes of file names, as `\u001b`: the same values."""
    return re.sub(
        f"{_UNSEEN.pattern}|[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text
    )


def cell(text: str) -> str:
    """A cell of a CSV file that no terminal obeys and no spreadsheet takes for a formula."""
    shown = visible(text)
    return f"'{shown}" if text.startswith(_FORMULA) else shown


def _escape(character: str) -> str:
    return ascii(character)[1:-1]
