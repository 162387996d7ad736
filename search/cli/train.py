"""The commands on published configurations: `train`, `presets`."""

from pathlib import Path
from typing import Any

import click

from search import api
from search.cli.options.data import data_options
from search.cli.options.folders import CACHE, DATA, RESULTS
from search.cli.options.output import AS_JSON, console_progress
from search.cli.options.training import (
    CLUSTER,
    DISK,
    MAX_TIME,
    NAME,
    PRECISION,
    TRIAL_TIMEOUT,
    TRIALS_PER_GPU,
    WEIGHTS,
    WORKERS,
)
from search.cli.options.values import ImageSize
from search.cli.printing.out import print_json
from search.cli.run import shown_by


@click.command()
@click.argument("data", type=DATA)
@data_options
@click.option("--preset", required=True, help="Name of a configuration; 'tune presets' lists them.")
@click.option(
    "--max-epochs", type=click.IntRange(1, 10_000), help="Epochs.  [default: as published]"
)
@click.option(
    "--image-size", type=ImageSize(), help="Image size in pixels.  [default: as published]"
)
@click.option("--seed", type=click.IntRange(0), help="Random seed.  [default: 0]")
@WEIGHTS
@PRECISION
@click.option("--deterministic", is_flag=True, default=None, help="Same seed, same bits; slower.")
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
def train_command(
    data: Path,
    preset: str,
    name: str | None,
    results: Path,
    as_json: bool,
    **options: Any,
) -> None:
    """Train one published configuration alone, as a run of one trial.

    Example: tune train photos/ --preset keras-2022
    """
    from search.cli.printing.run import print_result

    options |= shown_by(console_progress())
    print_result(api.train(data, preset, name=name, results=results, **options), as_json)


@click.command()
@AS_JSON
def presets_command(as_json: bool) -> None:
    """List the published configurations that 'tune train --preset' knows.

    Example: tune presets
    """
    from search.tuning.preset import preset_rows

    if as_json:
        print_json(preset_rows())
    else:
        print_presets()


def print_presets() -> None:
    """Print the table of presets, on stdout."""
    from rich.table import Table

    from models.presets import PRESETS
    from search.process.console import SafeConsole

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("name", "what", "epochs", "published", "source"):
        table.add_column(
            name, no_wrap=name == "name", justify="right" if name == "epochs" else "left"
        )
    for preset in PRESETS.values():
        table.add_row(
            preset.name, preset.description, str(preset.epochs), preset.published, preset.source
        )
    SafeConsole(highlight=False).print_table(table)


COMMANDS = (train_command, presets_command)
