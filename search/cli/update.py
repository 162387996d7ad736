"""The command that searches again with more images: `update`."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from search import api
from search.cli.options.arguments import run_names
from search.cli.options.data import data_options
from search.cli.options.folders import CACHE, DATA, RESULTS
from search.cli.options.output import AS_JSON, console_progress
from search.cli.options.training import (
    CLUSTER,
    DISK,
    MAX_TIME,
    NAME,
    TRIAL_TIMEOUT,
    TRIALS_PER_GPU,
    WORKERS,
)
from search.cli.printing.out import echo, print_json


@click.command()
@click.argument("run", shell_complete=run_names)
@click.argument("data", type=DATA, required=False)
@data_options
@click.option(
    "--max-trials",
    type=click.IntRange(1, 10_000),
    help="Configurations tried: the exported one of RUN, its two best others, then new ones.  "
    "[default: those of RUN]",
)
@WORKERS
@TRIALS_PER_GPU
@DISK
@CLUSTER
@TRIAL_TIMEOUT
@MAX_TIME
@NAME
@RESULTS
@CACHE
@AS_JSON
def update_command(
    run: str,
    data: Path | None,
    name: str | None,
    results: Path,
    as_json: bool,
    **options: Any,
) -> None:
    """Search again after photos came to DATA, or labels were corrected, and compare.

    DATA is the folder of RUN, unless it is another that holds the same images and more. Images
    stay in their splits, and of the new ones the same share is for the test. The best
    configurations of RUN are trained again, the best is exported, and compared with the model of
    RUN on the old test images, the new ones and both.

    Example: tune update cats --corrections corrections.csv
    """
    from search.cli.export import exported
    from search.cli.printing.export import print_export
    from search.cli.printing.run import print_result
    from search.cli.run import shown_by

    options |= shown_by(console_progress())
    before = api.load(run, results=results)
    updated = api.update(before, data, name=name, results=results, **options)
    if not as_json:
        print_result(updated, as_json, last=False)
    # Trained once each: that a configuration is good was found by the run before.
    go_on = f"go on with: tune export-best {updated.folder.argument} --seeds 0"
    metrics = exported(updated, go_on, formats=updated.config.formats, seeds=0)
    found = updated.brought()
    if as_json:
        print_json(asdict(found) | {"verdict": found.verdict})
        return
    print_export(metrics)
    for sentence in found.in_words():
        echo(sentence)


COMMANDS = (update_command,)
