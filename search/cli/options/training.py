"""The options of commands that train: how long, where and with what."""

from typing import Any

import click

from search.cli.options.values import Cluster, Duration, FileSize, TimeLimit
from search.errors import TuneError
from search.executors.ray.address import parse_cluster, require_workers_that_fit
from search.process.machine.hardware import PRECISIONS


def _that_fit(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Refuse options that do not agree: asked of each of them, known with the last."""
    given = {**context.params, str(parameter.name): value}
    cluster = parse_cluster(given["cluster"]) if given.get("cluster") else None
    try:
        require_workers_that_fit(cluster, given.get("workers"), given.get("trials_per_gpu"))
    except TuneError as error:
        raise click.UsageError(str(error), context) from error
    return value


WORKERS = click.option(
    "--workers",
    type=click.IntRange(0, 64),
    callback=_that_fit,
    help="Worker processes; 0 trains in this one.  [default: one per GPU, or one]",
)
TRIALS_PER_GPU = click.option(
    "--trials-per-gpu",
    type=click.IntRange(1, 16),
    callback=_that_fit,
    help="Trials that share a GPU: small models leave most of a large one idle.  [default: 1]",
)
DISK = click.option(
    "--disk",
    type=FileSize(),
    help="Disk that prepared images and features may take, as 20GB. Images for which that is too "
    "little are decoded each time they are needed; the machines of a cluster then have to see "
    "DATA.  [default: half of what is free; on a cluster what all images need]",
)
CLUSTER = click.option(
    "--cluster",
    type=Cluster(),
    callback=_that_fit,
    metavar="auto|ray://HOST:PORT|local:N",
    help="Run trials on the machines of a Ray cluster: the one that this machine is part of, "
    "another by its address, or N trials at once on this machine through Ray. --workers is then "
    "their number on each machine.  [default: on this machine, without Ray]",
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
