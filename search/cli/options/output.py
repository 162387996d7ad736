"""How a command says its results and what it is doing."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from search.process.console_progress import ConsoleProgress

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def console_progress() -> "ConsoleProgress":
    """Make the sink for messages, warnings and progress, on stderr: stdout is for results."""
    from search.process.console import SafeConsole
    from search.process.console_progress import ConsoleProgress

    return ConsoleProgress(SafeConsole(stderr=True, highlight=False))
