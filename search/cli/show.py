"""The commands that look at runs: `show`, `list`, `tensorboard`."""

from pathlib import Path

import click

from search import api
from search.cli.options.arguments import RUN
from search.cli.options.folders import RESULTS
from search.cli.options.output import AS_JSON, console_progress
from search.cli.printing.out import echo, print_json
from search.errors import TuneError
from search.process.printable import printable
from search.run_folder.paths import DEFAULT_RESULTS


@click.command()
@RUN
@click.option(
    "--limit", type=click.IntRange(1), default=20, show_default=True, help="Rows shown at most."
)
@RESULTS
@AS_JSON
def show_command(run: str | None, limit: int, results: Path, as_json: bool) -> None:
    """Show the configurations of RUN (default: the newest), best first.

    Example: tune show --json
    """
    from search.cli.printing.run import print_report

    report = api.load(run, results=results).summary()
    if as_json:
        print_json(report)
    else:
        print_report(report, limit=limit)


@click.command()
@RESULTS
@AS_JSON
def list_command(results: Path, as_json: bool) -> None:
    """List all runs, newest first.

    Example: tune list
    """
    from search.cli.printing.runs import print_runs
    from search.overview.summary import list_runs

    if not results.is_dir() and results != DEFAULT_RESULTS:
        raise TuneError(f"{printable(results)}: no such folder; the runs lie where --results says")
    rows = list_runs(results)
    if as_json:
        print_json(rows)
        return
    if not rows:
        echo(f"{results}/: no runs here; start one with: tune run DATA", err=True)
    else:
        print_runs(rows)


@click.command()
@RUN
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=6006,
    show_default=True,
    help="Port on localhost; 0 takes any free one.",
)
@RESULTS
def tensorboard_command(run: str | None, port: int, results: Path) -> None:
    """Look at RUN (default: the newest) in TensorBoard, on this machine only.

    Example: tune tensorboard
    """
    from search.cli.tensorboard_server import serve_tensorboard
    from search.runs.find import find_run

    serve_tensorboard(find_run(results, run), port=port, progress=console_progress())


COMMANDS = (show_command, list_command, tensorboard_command)
