"""The options of commands that train: how long, where and with what."""

import click

from search.cli.options.values import Duration, TimeLimit
from search.process.hardware import PRECISIONS

WORKERS = click.option(
    "--workers",
    type=click.IntRange(0, 64),
    help="Worker processes; 0 trains in this one.  [default: one per GPU, or one]",
)
TRIAL_TIMEOUT = click.option(
    "--trial-timeout",
    type=Duration(),
    default="10m",
    show_default=True,
    help="End a trial that makes no step for this long.",
)
MAX_TIME = click.option(
    "--max-time",
    type=TimeLimit(),
    help="End within this time, as 90s, 30m or 8h, early enough to export the best in the rest.  "
    "[default: none]",
)
THEN_EXPORT = click.option(
    "--then-export",
    is_flag=True,
    help="Export the best as export-best does; with --max-time in the rest of that time.",
)
DRY_RUN = click.option(
    "--dry-run", is_flag=True, help="Check and prepare the images, print the plan, and end."
)
NAME = click.option("--name", help="Name of the run.  [default: folder, date and time]")
WEIGHTS = click.option(
    "--weights",
    type=click.Path(exists=True, resolve_path=True),
    metavar="FILE|FOLDER",
    help="Pretrained weights: a file, for the backbone it fits, or a folder with a file for each "
    "backbone, named as keras.applications names it.  [default: ImageNet's, downloaded]",
)
PRECISION = click.option(
    "--precision",
    type=click.Choice(["auto", *PRECISIONS]),
    help="Number format of training.  [default: auto, by the GPU]",
)
