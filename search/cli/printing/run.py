"""Print the result of a run, as text or JSON."""

from dataclasses import replace
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from search.cli.printing.out import echo, print_json
from search.overview.race import race_in_words
from search.overview.run_rows import RunReport
from search.process.console import SafeConsole
from search.process.wording import counted, duration_in_words
from search.run_folder.ranking import no_result
from search.run_folder.record_files import load_records
from search.run_folder.records import COMPLETED
from search.run_folder.time_spent import spent_in_words

if TYPE_CHECKING:
    from search.api import Run


def print_result(run: "Run", as_json: bool, *, last: bool = True) -> None:
    """Print the result of a run; if it is the last that is printed, with what to do next.

    An export that follows says itself whether the search found anything.

    Raises:
        TuneError: all trials have ended, and none came to a result.
    """
    report = run.summary()
    if as_json:
        print_json(report)
    else:
        print_report(report if last else replace(report, verdict=""), limit=5)
    if not report.configurations or report.configurations[0].score is None:
        if report.finished == report.trials > 0:
            raise no_result(run.folder, load_records(run.folder))
        return  # there was no time for more
    if last and not as_json:
        echo(_next(run, report), err=True)


def _next(run: "Run", report: RunReport) -> str:
    """Say what to do next: to mend first where a model is of no use yet."""
    name, config = run.folder.argument, run.config
    if report.doubts:
        more = "more images may help (in a new run)"
        if config.open_ended and not (config.preset or config.updates):
            more = (
                f"more time may help (tune run --resume {name} --max-time 1h), or more images "
                "(in a new run)"
            )
        return (
            f"next: {more}, or wrong labels mended (tune labels {name}); tune export-best {name} "
            "exports it as it is"
        )
    return f"next: tune export-best {name}, or look: tune report {name}, tune tensorboard {name}"


def print_report(report: RunReport, *, limit: int) -> None:
    """Print the report of a run, on stdout.

    Args:
        report: of the run.
        limit: configurations shown at most.
    """
    console = SafeConsole(highlight=False)
    classes = counted(len(report.data.class_names), "class")
    console.print(
        f"[bold]{report.run}[/]: {report.algo}, {counted(report.finished, 'trial')} finished, "
        f"{counted(report.data.images, 'image')} of {classes}"
    )
    console.print_table(run_table(report, limit=limit))
    hidden = len(report.configurations) - limit
    if hidden > 0:
        console.print(f"and {hidden} more")
    if race := race_in_words(report.race):
        console.print(race, markup=False)
    if report.spent:
        console.print(f"time: {spent_in_words(report.spent)}", markup=False)
    for sentence in report.insights.words:
        console.print(sentence, markup=False)
    exported = report.exported
    if verdict := (exported and exported.verdict) or report.verdict:
        console.print(verdict, markup=False)
    if exported:
        low, high = exported.accuracy_interval
        opened = exported.test_set_opened
        then = report.finished if exported.trials is None else exported.trials
        when = "" if then == report.finished else f" after {then} trial{'' if then == 1 else 's'}"
        console.print(
            f"exported{when}: {exported.summary or 'a model'}, accuracy {exported.accuracy:.4f} on "
            f"{exported.images:,} test images (95 % interval {low:.4f} to {high:.4f}; "
            f"looked at {'once' if opened == 1 else f'{opened} times'})",
            markup=False,
        )
    for doubt in report.doubts:
        console.print(f"careful: {doubt}", markup=False)
    if exported and exported.time:
        console.print(f"time of the export: {exported.time.in_words()}")


def run_table(report: RunReport, *, limit: int) -> Table:
    """Make the table of configurations, best first."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    columns = ["", report.objective, "epoch", "of", "time", "weights", "configuration"]
    for name in columns:
        table.add_column(name, justify="left" if name == "configuration" else "right")
    for place, row in enumerate(report.configurations[:limit], start=1):
        score = "–" if row.score is None else f"{row.score:.4f}"
        note = "" if row.status == COMPLETED else f"  [{row.status}] {row.reason}"
        note = f"  [stopped early] {row.stopped_early}" if row.stopped_early else note
        parameters = "" if row.parameters is None else f"{row.parameters:,}"
        table.add_row(
            str(place),
            score,
            str(row.best_epoch or "–"),
            str(row.epochs),
            duration_in_words(row.seconds),
            parameters,
            Text(row.summary + note),
        )
    return table
