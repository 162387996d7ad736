"""The command `export-best`, and the export that `run --then-export` makes."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from search.cli.options.arguments import RUN
from search.cli.options.folders import RESULTS
from search.cli.options.limits import asked_formats, format_options, limit_options
from search.cli.options.output import AS_JSON, console_progress
from search.cli.options.values import Share
from search.cli.printing.export import print_export
from search.cli.printing.out import echo, print_json
from search.errors import TuneError
from search.evaluation.objective import AS_GOOD_WITHIN
from search.process.printable import printable, shell_word
from search.process.quiet import import_tensorflow
from search.run_folder.finalist_rows import SEEDS, TOP

if TYPE_CHECKING:
    from search.export.export_best import ExportOptions
    from search.run_folder.metrics import Metrics
    from search.run_folder.paths import RunFolder


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
    max_latency: float | None,
    max_size: int | None,
    precision: float | None,
    top: int,
    seeds: int,
    cheaper_within: float,
    results: Path,
    as_json: bool,
    **flags: bool,
) -> None:
    """Choose the best configuration of RUN (default: the newest), retrain, test and export it.

    The best few configurations and the best baseline of each family are trained again. The best
    mean wins, unless one that is cheaper to run is shown to be as good (--cheaper-within).

    Example: tune export-best --format litert --int8 --precision 0.99
    """
    from search.runs.find import find_run

    # A wrong name of a run is refused before TensorFlow is loaded, which takes seconds.
    chosen = find_run(results, run)
    import_tensorflow()
    from search.export.export_best import ExportOptions
    from search.run_folder.budget import Budget

    options = ExportOptions(
        formats=asked_formats(formats, flags),
        budget=Budget(max_latency, max_size),
        precision=precision,
        top=top,
        seeds=seeds,
        cheaper_within=cheaper_within,
    )
    metrics = export_run(chosen, options)
    if as_json:
        print_json(metrics)
        return
    print_export(metrics)
    if chosen.update.exists():
        _print_brought(chosen)
    model = shell_word(chosen.export)
    echo(
        f"next: tune predict {model} PHOTO, tune serve {model}, tune report {chosen.argument}",
        err=True,
    )


def _print_brought(run: "RunFolder") -> None:
    """Print what an update has brought; the run that it updates may be gone by now."""
    from search.overview.updated import what_it_brought

    try:
        sentences = what_it_brought(run).in_words()
    except TuneError as error:
        sentences = [f"not compared with the run that it updates: {error}"]
    for sentence in sentences:
        echo(sentence)


def export_run(run: "RunFolder", options: "ExportOptions") -> "Metrics":
    """Export; Ctrl-C says what is kept."""
    from search.export.export_best import export_best
    from search.process.stop_signal import StopSignal

    try:
        with StopSignal() as stop:
            return export_best(run, options, stop=stop, progress=console_progress())
    except KeyboardInterrupt:
        echo(
            f"{printable(run.name)}: what was trained again so far is kept; give the same "
            "command to go on",
            err=True,
        )
        raise


def print_then_export(run: "RunFolder", deadline: float | None, as_json: bool) -> None:
    """Print the result of a search, export its best, and print that.

    Args:
        run: its search has ended.
        deadline: of `time.monotonic`, by which the files shall be written; None for no limit.
        as_json: whether to print one JSON object, which holds both.
    """
    from search.cli.printing.run import print_result

    if not as_json:
        print_result(run, as_json, last=False)
    metrics = _export_in_time(run, deadline)
    if as_json:
        print_result(run, as_json)
    else:
        print_export(metrics)


def _export_in_time(run: "RunFolder", deadline: float | None) -> "Metrics":
    """Export; the best few are trained again as often as time allows, at most `SEEDS` times."""
    import_tensorflow()
    from search.export.export_best import ExportOptions
    from search.run_folder.config import RunConfig
    from search.selection.choosing_estimate import choosing_within
    from search.trial.experiment import Experiment

    options = ExportOptions(formats=RunConfig.load(run).formats, top=TOP, seeds=SEEDS)
    if deadline is not None:
        seeds, until = choosing_within(deadline, Experiment.load(run), top=TOP, most=SEEDS)
        options = replace(options, seeds=seeds, choose_until=until)
    return export_run(run, options)


COMMANDS = (export_best_command,)
