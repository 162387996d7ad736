"""The command on the report of a run: `report`."""

from pathlib import Path

import click

from search import api
from search.cli.options.arguments import RUN, run_names
from search.cli.options.folders import RESULTS
from search.cli.options.output import AS_JSON, console_progress
from search.cli.options.values import Duration
from search.cli.printing.out import echo, print_json
from search.process.printable import printable


@click.command()
@RUN
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write.  [default: report.html in the run's folder]",
)
@click.option(
    "--pictures/--no-pictures",
    default=True,
    show_default=True,
    help="Show images of the data in it; names of files set aside are shown in any case.",
)
@click.option(
    "--measure",
    type=Duration(),
    default="60s",
    show_default=True,
    help="Time for measuring latencies that are not known yet, as 30s or 5m.",
)
@click.option(
    "--beside",
    multiple=True,
    metavar="RUN",
    shell_complete=run_names,
    help="Compare with this run; may be given several times.  [default: the run that RUN updates, "
    "if any]",
)
@RESULTS
@AS_JSON
def report_command(
    run: str | None,
    output: Path | None,
    pictures: bool,
    measure: float,
    beside: tuple[str, ...],
    results: Path,
    as_json: bool,
) -> None:
    """Write what RUN (default: the newest) has found as one HTML file to send to a colleague.

    The file needs no network and no server. It holds small copies of some of the images.

    Example: tune report --output cats.html
    """
    chosen = api.load(run, results=results)
    others = tuple(api.load(name, results=results) for name in beside)
    try:
        file = chosen.report(
            output, pictures=pictures, measure=measure, beside=others, progress=console_progress()
        )
    except KeyboardInterrupt:
        echo(
            f"{printable(chosen.name)}: no report was written; what was measured for it is kept",
            err=True,
        )
        raise
    size = file.stat().st_size
    if as_json:
        print_json({"run": chosen.name, "file": str(file), "bytes": size})
    else:
        echo(f"wrote {printable(file)} ({size / 1e6:.1f} MB); open it in a browser")


COMMANDS = (report_command,)
