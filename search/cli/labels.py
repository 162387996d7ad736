"""The command `labels`: whether the labels of images can be trusted."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from search.cli.options.arguments import RUN
from search.cli.options.folders import RESULTS
from search.cli.options.output import AS_JSON, console_progress
from search.cli.printing.out import echo, print_json
from search.process.printable import printable
from search.process.quiet import import_tensorflow
from search.process.wording import in_percent

if TYPE_CHECKING:
    from search.label_errors.suspect_rows import SuspectReport


@click.command()
@RUN
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    help="Suspects listed at most.",
)
@click.option(
    "--folds",
    type=click.IntRange(2, 20),
    default=5,
    show_default=True,
    help="Parts of the images, each judged by models trained on the others.",
)
@RESULTS
@AS_JSON
def labels_command(run: str | None, limit: int, folds: int, results: Path, as_json: bool) -> None:
    """List the images of RUN (default: the newest) whose labels are likeliest wrong.

    Nothing is changed. A page with the images is written into the run's folder.

    Example: tune labels --limit 50
    """
    from search.process.stop_signal import StopSignal
    from search.runs.find import find_run

    # A wrong name of a run is refused before TensorFlow is loaded, which takes seconds.
    chosen = find_run(results, run)
    import_tensorflow()
    from search.label_errors.suspects import find_suspects

    with StopSignal() as stop:
        report = find_suspects(
            chosen, limit=limit, folds=folds, stop=stop, progress=console_progress()
        )
    if as_json:
        print_json(report)
    else:
        print_suspects(report)


def print_suspects(report: "SuspectReport") -> None:
    """Print the list, what to think of it and what to do, on stdout."""
    from rich.table import Table
    from rich.text import Text

    from search.label_errors.page import CAUTION, REMEDY, summary
    from search.process.console import SafeConsole

    out = SafeConsole(highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", justify="right")
    for name, side in (("label", "left"), ("", "right"), ("likelier", "left"), ("", "right")):
        table.add_column(name, justify=side)  # type: ignore[arg-type]
    table.add_column("path", overflow="fold")
    for place, row in enumerate(report.suspects, start=1):
        table.add_row(
            str(place),
            Text(printable(row.given)),
            in_percent(row.probability_given),
            Text(printable(row.suggested)),
            in_percent(row.probability_suggested),
            Text(printable(row.path)),
        )
    if report.suspects:
        out.print_table(table)
    for line in (summary(report), CAUTION, REMEDY):
        out.print(Text(line))
    for path in report.files:
        echo(f"wrote {printable(path)}")


COMMANDS = (labels_command,)
