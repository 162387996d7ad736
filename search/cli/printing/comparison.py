"""Print how runs compare."""

from pathlib import Path

from rich.table import Table
from rich.text import Text

from search.overview.comparison import Comparison
from search.process.console import SafeConsole
from search.process.wording import duration_in_words


def print_comparison(comparison: Comparison) -> None:
    """Print the runs as a table, and what is known of their differences, on stdout."""
    console = SafeConsole(highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    titles = ("run", "data", "algorithm", "trials", "time", "best", "test accuracy", "model")
    for title in titles:
        right = title in ("trials", "time", "best", "test accuracy")
        table.add_column(title, justify="right" if right else "left", overflow="fold")
    for row in comparison.runs:
        best = "–" if row.best is None else f"{row.best:.4f}"
        tested = "–" if row.accuracy is None else f"{row.accuracy:.4f}"
        table.add_row(
            Text(row.run),
            Text(Path(row.data).name),
            Text(row.algo),
            f"{row.finished:,}",
            duration_in_words(row.seconds),
            best,
            tested,
            Text(row.summary),
        )
    console.print_table(table)
    objectives = {row.objective for row in comparison.runs}
    if len(objectives) > 1:
        console.print(Text(f"best: of different objectives ({', '.join(sorted(objectives))})"))
    for difference in comparison.differences:
        console.print(Text(difference.in_words()))
    for reason in comparison.not_compared:
        console.print(Text(f"not compared: {reason}"))
