"""Print the list of all runs."""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from search.overview.run_rows import RunRow
from search.process.console import SafeConsole
from search.process.wording import megabytes


def print_runs(rows: Sequence[RunRow]) -> None:
    """Print the list of all runs, on stdout."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("run", "begun", "state", "data", "algorithm", "trials", "best", "exported"):
        right = title in ("trials", "best")
        table.add_column(title, justify="right" if right else "left", overflow="fold")
    table.add_column("size", justify="right")
    for row in rows:
        size = megabytes(row.bytes)
        if row.problem:
            table.add_row(row.run, row.begun, "broken", Text(row.problem), "", "", "", "", size)
            continue
        best = "–" if row.best is None else f"{row.best:.4f}"
        shown = (row.run, row.begun, row.state, Path(row.data).name, row.algo)
        exported = "yes" if row.exported else "no"
        table.add_row(*map(Text, shown), f"{row.finished:,}", best, exported, size)
    SafeConsole(highlight=False).print_table(table)
