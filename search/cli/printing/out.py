"""Print text for people and JSON for machines, safely."""

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable
from typing import Any

import click

from search.process.printable import json_text, visible
from search.run_folder.schema import to_json


def echo(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print text for people: what a terminal would obey in it is shown instead.

    Lines are wrapped between words on a terminal, and nowhere else.
    """
    shown = visible(text)
    if (sys.stderr if err else sys.stdout).isatty():
        columns = shutil.get_terminal_size().columns
        shown = "\n".join(_wrapped(line, columns) for line in shown.split("\n"))
    click.echo(shown, err=err, nl=nl)


def _wrapped(line: str, columns: int) -> str:
    """A line that is too long as several, the further ones as far to the right as it begins."""
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.fill(
        line,
        columns,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )


def print_json(value: Any) -> None:
    """Print results for machines on stdout: plain values, or dataclasses of them."""
    click.echo(_as_json(to_json(value)))


def print_json_list(rows: Iterable[Any]) -> None:
    """Print a JSON list on stdout, row by row, so that memory holds only one row."""
    before = "[\n"
    for row in rows:
        click.echo(before + _as_json(row), nl=False)
        before = ",\n"
    click.echo("\n]" if before == ",\n" else "[]")


def _as_json(value: Any) -> str:
    # Python holds a byte of a file name that is not text as half a surrogate pair. UTF-8 cannot
    # encode that, but JSON can escape it: "\udce9" is read back as the same name.
    return json_text(json.dumps(value, indent=2, ensure_ascii=False))
