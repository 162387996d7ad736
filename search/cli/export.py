"""The command `export-best`, and the export that `run --then-export` makes."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search import api
from search.cli.options.arguments import RUN
from search.cli.options.folders import RESULTS
from search.cli.options.limits import asked_formats, flag_name, format_options, limit_options
from search.cli.options.output import AS_JSON, console_progress
from search.cli.options.values import Share
from search.cli.printing.export import print_export
from search.cli.printing.out import echo, print_json
from search.errors import TuneError
from search.evaluation.objective import AS_GOOD_WITHIN
from search.formats.registry import flagged
from search.process.printable import printable, shell_word
from search.run_folder.exported.finalist_rows import SEEDS, TOP

if TYPE_CHECKING:
    from search.run_folder.exported.metrics import Metrics


@click.command()
@RUN
@format_options
@limit_options
@click.option(
    "--precision",
    type=click.FloatRange(0.5, 1, max_open=True),
    help="Say 'unsure' where needed so that this share of answers is right, as 0.99.  "
    "[default: always answer]",
)
@click.option(
    "--top",
    type=click.IntRange(1, 100),
    default=TOP,
    show_default=True,
    help="Best configurations that are trained again before one is chosen.",
)
@click.option(
    "--seeds",
    type=click.IntRange(0, 100),
    default=SEEDS,
    show_default=True,
    help="Trainings of each of these, with other seeds; 0 trusts the scores of the search.",
)
@click.option(
    "--cheaper-within",
    type=Share(),
    default=f"{AS_GOOD_WITHIN:.0%}",
    show_default=True,
    help="Take a configuration that is cheaper to run if, with 95 % confidence, it is at most this "
    "much worse, as 1% or 0.01; 0 takes the best in any case.",
)
@RESULTS
@AS_JSON
def export_best_command(
    run: str | None,
    formats: tuple[str, ...],
    results: Path,
    as_json: bool,
    **options: Any,
) -> None:
    """Choose the best configuration of RUN (default: the newest), retrain, test and export it.

    The best few configurations and the best baseline of each family are trained again. The best
    mean wins, unless one that is cheaper to run is shown to be as good (--cheaper-within).

    Example: tune export-best --format litert --int8 --precision 0.99
    """
    flags = {name: options.pop(name) for name in (flag_name(row.option) for row in flagged())}
    chosen = api.load(run, results=results)
    options |= {"formats": asked_formats(formats, flags)}
    metrics = exported(chosen, "give the same command to go on", **options)
    if as_json:
        print_json(metrics)
        return
    print_export(metrics)
    if chosen.folder.update.exists():
        _print_brought(chosen)
    model = shell_word(chosen.folder.export)
    echo(
        f"next: tune predict {model} PHOTO, tune serve {model}, tune report "
        f"{chosen.folder.argument}",
        err=True,
    )


def _print_brought(run: api.Run) -> None:
    """Print what an update has brought; the run that it updates may be gone by now."""
    try:
        sentences = run.brought().in_words()
    except TuneError as error:
        sentences = [f"not compared with the run that it updates: {error}"]
    for sentence in sentences:
        echo(sentence)


def exported(run: api.Run, go_on: str, **options: Any) -> "Metrics":
    """Export, as `Run.export` takes it; Ctrl-C says what is kept.

    Args:
        run: its search has ended.
        go_on: how to go on after Ctrl-C.
        options: those of `Run.export`.
    """
    try:
        return run.export(progress=console_progress(), **options).metrics
    except KeyboardInterrupt:
        echo(f"{printable(run.name)}: what was trained again so far is kept; {go_on}", err=True)
        raise


def print_then_export(run: api.Run, deadline: float | None, as_json: bool) -> None:
    """Print the result of a search, export its best, and print that.

    Args:
        run: its search has ended.
        deadline: of `time.monotonic`, by which the files shall be written; None for no limit.
        as_json: whether to print one JSON object, which holds both.
    """
    from search.cli.printing.run import print_result

    if not as_json:
        print_result(run, as_json, last=False)
    left = None if deadline is None else deadline - time.monotonic()
    go_on = f"go on with: tune run --resume {run.folder.argument} --then-export"
    metrics = exported(run, go_on, formats=run.config.formats, max_time=left)
    if as_json:
        print_result(run, as_json)
    else:
        print_export(metrics)


COMMANDS = (export_best_command,)
