"""The command that searches: `run`."""

import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search import api
from search.cli.options.arguments import run_names
from search.cli.options.data import data_options
from search.cli.options.folders import CACHE, DATA, RESULTS
from search.cli.options.limits import asked_formats, flag_name, format_options, limit_options
from search.cli.options.output import AS_JSON, console_progress
from search.cli.options.training import (
    CLUSTER,
    DISK,
    DRY_RUN,
    MAX_TIME,
    NAME,
    PRECISION,
    THEN_EXPORT,
    TRIAL_TIMEOUT,
    TRIALS_PER_GPU,
    WEIGHTS,
    WORKERS,
)
from search.cli.options.values import FamilyNames, ImageSize, Names, OneOf, Range, Sides, by_name
from search.cli.printing.out import print_json
from search.evaluation.objective import UNEQUAL
from search.executors.ray.command_name import lost_command
from search.formats.registry import flagged
from search.tuning.planning import option_names

if TYPE_CHECKING:
    from search.process.console_progress import ConsoleProgress

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
    help="Pretrained networks of the transfer family.  [default: those light enough for this "
    "machine whose weights can be had]",
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
    type=OneOf(option_names.resize_modes),
    help="How images of another shape are made to fit: squeezed, their middle cut out, or black "
    "bars added.  [default: squeeze]",
)
@click.option(
    "--max-epochs",
    type=click.IntRange(1, 10_000),
    help="Epochs of a fully trained configuration.  [default: 27 with a GPU, else 9, or with "
    "--max-time 3 to 9, or 27 where there is time for them]",
)
@click.option(
    "--factor",
    type=click.IntRange(2, 10),
    help="Of Hyperband, ASHA and PASHA: one in so many goes on.  [default: 3]",
)
@click.option(
    "--hyperband-iterations",
    type=click.IntRange(1, 100),
    help="Rounds of Hyperband.  [default: 1, with --max-time as many as there is time for]",
)
@click.option(
    "--max-trials",
    type=click.IntRange(1, 100_000),
    help="Configurations of all algorithms but hyperband.  [default: 20, with --max-time as many "
    "as there is time for]",
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
    callback=by_name,
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
@TRIALS_PER_GPU
@DISK
@CLUSTER
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
    max_time: float | None,
    then_export: bool,
    dry_run: bool,
    name: str | None,
    resume: str | None,
    results: Path,
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
    from search.tuning.sample import sample_data

    flags = {name: options.pop(name) for name in (flag_name(row.option) for row in flagged())}
    options["formats"] = asked_formats(formats, flags) or None
    if options["cluster"] and (lost := lost_command()):
        warnings.warn(lost, stacklevel=2)
    deadline = None if max_time is None else time.monotonic() + max_time
    progress = console_progress()
    options |= {"max_time": max_time, "then": "--then-export" if then_export else ""}
    options |= shown_by(progress)
    if resume:
        for option, given in (("--name", name), ("--dry-run", dry_run)):
            if given:
                raise click.UsageError(f"{option} and --resume exclude each other")
        run = api.resume(api.load(resume, results=results), data, **options)
    else:
        data = data or sample_data(SAMPLE, progress)
        if dry_run:
            planned = api.plan(data, name=name, results=results, **options)
            if as_json:
                print_json(planned)
            return
        run = api.tune(data, name=name, results=results, **options)
    if then_export:
        from search.cli.export import print_then_export

        print_then_export(run, deadline, as_json)
    else:
        from search.cli.printing.run import print_result

        print_result(run, as_json)


def shown_by(progress: "ConsoleProgress") -> dict[str, Any]:
    """Give the options of a search that is shown on the console of its messages."""
    from search.observers.display import make_display

    return {
        "progress": progress,
        "display": lambda board: make_display(board, progress.console),
    }


COMMANDS = (run_command,)
