"""Options that say which files are written, and what each of them may cost."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from search.cli.options.values import FileSize, ShortDuration
from search.formats.registry import ALWAYS, FORMATS, flagged

Command = Callable[..., None]


def format_options(command: Command) -> Command:
    """Add `--format`, and the flags of formats that have their own, from the table of formats."""
    for row in reversed(flagged()):
        command = click.option(row.option, is_flag=True, help=row.help)(command)
    return click.option(
        "--format",
        "formats",
        type=click.Choice(list(FORMATS)),
        multiple=True,
        help=f"Write this form besides {ALWAYS.file}; may be given several times.  "
        "[default: none; of export-best those that RUN was begun with]",
    )(command)


def limit_options(command: Command) -> Command:
    """Add `--max-latency` and `--max-size`."""
    command = click.option(
        "--max-size",
        type=FileSize(),
        help="Size that each form asked for may have, as 5MB.  [default: any]",
    )(command)
    return click.option(
        "--max-latency",
        type=ShortDuration(),
        help="Time that an image may take on this machine's processor, as 15ms, in each form asked "
        f"for (else {ALWAYS.file}).  [default: any]",
    )(command)


def asked_formats(formats: tuple[str, ...], flags: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the formats asked for by `--format` and by flags of their own, each once."""
    by_flag = [row.name for row in flagged() if flags[flag_name(row.option)]]
    return tuple(dict.fromkeys((*formats, *by_flag)))


def flag_name(option: str) -> str:
    """Return the name by which a command receives an option: `--int8` comes as `int8`."""
    return option.removeprefix("--")
