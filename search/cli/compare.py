"""The command that compares runs: `compare`."""

from pathlib import Path

import click

from search import api
from search.cli.options.arguments import RUNS
from search.cli.options.folders import RESULTS
from search.cli.options.output import AS_JSON
from search.cli.printing.out import print_json


@click.command()
@RUNS
@RESULTS
@AS_JSON
def compare_command(runs: tuple[str, ...], results: Path, as_json: bool) -> None:
    """Compare RUNS side by side: what each tried, and how far it came.

    Of exported models that were tested on common images it says whether one is better, with an
    interval by pairs of answers.

    Example: tune compare monday tuesday
    """
    from search.cli.printing.comparison import print_comparison

    found = api.compare(*(api.load(name, results=results) for name in runs))
    if as_json:
        print_json(found)
    else:
        print_comparison(found)


COMMANDS = (compare_command,)
