"""The command that searches: `run`."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli.options.arguments import run_names
from search.cli.options.data import data_options
from search.cli.options.folders import CACHE, DATA, RESULTS
from search.cli.options.limits import asked_formats, flag_name, format_options, limit_options
from search.cli.options.output import AS_JSON, console_progress
from search.cli.options.training import (
    DRY_RUN,
    MAX_TIME,
    NAME,
    PRECISION,
    THEN_EXPORT,
    TRIAL_TIMEOUT,
    WEIGHTS,
    WORKERS,
)
from search.cli.options.values import FamilyNames, ImageSize, Names, OneOf, Range, Sides
from search.cli.printing.out import print_json
from search.evaluation.objective import UNEQUAL
from search.formats.registry import flagged
from search.process.cache_use import cache_folder
from search.tuning.planning import option_names

if TYPE_CHECKING:
    from search.tuning.run import RunEnvironment

SAMPLE = Path("sample-data")


# An option that is not given is None: the machine decides then, or the run that is resumed.
@click.command()
@click.argument("data", type=DATA, required=False)
@data_options
@click.option(
    "--algo",
    type=OneOf(option_names.algorithms),
    help="Search algorithm.  [default: hyperband]",
)
@click.option(
    "--families",
    type=FamilyNames(option_names.families),
    help="Kinds of model, as cnn,xception,transfer; your own as ./mine.py:Wide, a file that "
    "defines a HyperModel of KerasTuner, or a function build(hp).  [default: all built in]",
)
@click.option(
    "--backbones",
    type=Names(option_names.backbones),
    help="Pretrained networks of the transfer family.  [default: all whose weights can be had]",
)
@click.option(
    "--image-size",
    type=ImageSize(),
    help="Image size in pixels, as 180 or 120x160.  [default: 180 with a GPU, else 96]",
)
@click.option(
    "--backbone-sizes",
    type=Sides(),
    help="Image sizes in pixels at which backbones race, as 160,224.  [default: that of "
    "--image-size, if given, and enlarged ones; else 224,288 with a GPU, else 160,224]",
)
@click.option(
    "--resize",
    "resize_mode",
    type=OneOf(option_names.resize_modes),
    help="How images of another shape are made to fit: squeezed, their middle cut out, or black "
    "bars added.  [default: squeeze]",
)
@click.option(
    "--max-epochs",
    type=click.IntRange(1, 10_000),
    help="Epochs of a fully trained configuration.  [default: 27 with a GPU, else 9, or with "
    "--max-time as many as there is time for]",
)
@click.option("--factor", type=click.IntRange(2, 10), help="Hyperband's factor.  [default: 3]")
@click.option(
    "--hyperband-iterations",
    type=click.IntRange(1, 100),
    help="Rounds of Hyperband.  [default: 1, with --max-time as many as there is time for]",
)
@click.option(
    "--max-trials",
    type=click.IntRange(1, 100_000),
    help="Trials of random and bayesian.  [default: 20, with --max-time as many as there is time "
    "for]",
)
@click.option(
    "--objective",
    type=OneOf(option_names.objectives),
    help="What makes a configuration the best.  [default: auto: val_accuracy, or where the largest "
    f"class has more than {UNEQUAL:g} times the images of the smallest val_balanced_accuracy]",
)
@click.option(
    "--early-stop/--no-early-stop",
    default=None,
    help="End trials that cannot win any more.  [default: early-stop]",
)
@click.option(
    "--range",
    "ranges",
    type=Range(),
    multiple=True,
    metavar="NAME=LOW:HIGH",
    # Sorted, so that the order on the command line makes no difference. No range becomes None,
    # which leaves the setting to the default or to the run that is resumed.
    callback=lambda _, __, given: tuple(sorted(given)) or None,
    help="Draw this hyperparameter from another range, as learning_rate=1e-4:1e-1; may be given "
    "several times.  [default: each as declared]",
)
@limit_options
@format_options
@click.option("--seed", type=click.IntRange(0), help="Random seed.  [default: 0]")
@WEIGHTS
@PRECISION
@click.option("--deterministic", is_flag=True, default=None, help="Same seed, same bits; slower.")
@WORKERS
@TRIAL_TIMEOUT
@MAX_TIME
@THEN_EXPORT
@DRY_RUN
@NAME
@click.option(
    "--resume", metavar="RUN", shell_complete=run_names, help="Go on with a run of this name."
)
@RESULTS
@CACHE
@AS_JSON
def run_command(
    data: Path | None,
    workers: int | None,
    trial_timeout: float,
    max_time: float | None,
    then_export: bool,
    dry_run: bool,
    name: str | None,
    resume: str | None,
    results: Path,
    cache_dir: Path | None,
    as_json: bool,
    formats: tuple[str, ...],
    **options: Any,
) -> None:
    """Search for the best classifier of the images in DATA.

    DATA holds one folder per class, or train/, validation/ and test/ with those inside; or any
    images whose labels are in a table (--labels). Without DATA a sample is drawn and used.

    With --max-latency or --max-size only what keeps to them as --format or --int8 is trained.

    Example: tune run photos/ --algo hyperband --max-time 8h
    """
    from search.runs.find import find_run
    from search.tuning.run import resume as go_on
    from search.tuning.run import start
    from search.tuning.sample import sample_data

    flags = {name: options.pop(name) for name in (flag_name(row.option) for row in flagged())}
    options["formats"] = asked_formats(formats, flags) or None
    deadline = None if max_time is None else time.monotonic() + max_time
    then = "--then-export" if then_export else ""
    environment = run_environment(results, cache_dir, max_time, workers, trial_timeout, then)
    if resume:
        for option, given in (("--name", name), ("--dry-run", dry_run)):
            if given:
                raise click.UsageError(f"{option} and --resume exclude each other")
        done = go_on(find_run(results, resume), data, options, environment)
    else:
        data = data or sample_data(SAMPLE, environment.progress)
        if dry_run:
            _print_plan(data, name, options, environment, as_json=as_json)
            return
        done = start(data, name, options, environment)
    if then_export:
        from search.cli.export import print_then_export

        print_then_export(done, deadline, as_json)
    else:
        from search.cli.printing.run import print_result

        print_result(done, as_json)


def _print_plan(
    data: Path,
    name: str | None,
    options: dict[str, Any],
    environment: "RunEnvironment",
    *,
    as_json: bool,
) -> None:
    from search.tuning.dry_run import plan_only

    planned = plan_only(data, name, options, environment)
    if as_json:
        print_json(planned)


def run_environment(
    results: Path,
    cache_dir: Path | None,
    max_time: float | None,
    workers: int | None,
    trial_timeout: float,
    then: str = "",
) -> "RunEnvironment":
    """Gather where and how a run works; its display uses the console of the messages."""
    from search.observers.display import make_display
    from search.tuning.run import RunEnvironment

    progress = console_progress()
    return RunEnvironment(
        results,
        cache_folder(cache_dir),
        max_time,
        workers,
        trial_timeout,
        progress,
        display=lambda board: make_display(board, progress.console),
        then=then,
    )


COMMANDS = (run_command,)
