"""The commands on folders of images: `clean`, `restore`, `demo`."""

from pathlib import Path
from typing import Any

import click

from search.cli.options.data import data_options
from search.cli.options.folders import CACHE, DATA, FOLDER
from search.cli.options.output import AS_JSON, console_progress
from search.cli.printing.out import echo, print_json
from search.process.cache_use import cache_folder
from search.process.printable import shell_word
from search.process.wording import counted


@click.command()
@click.argument("data", type=DATA)
@click.option(
    "--quarantine",
    "destination",
    type=click.Path(file_okay=False, path_type=Path),
    help="Move the bad files to this folder; 'tune restore' brings them back.",
)
@data_options
@CACHE
@AS_JSON
def clean_command(
    data: Path,
    destination: Path | None,
    cache_dir: Path | None,
    as_json: bool,
    **reading: Any,
) -> None:
    """Look at every file of DATA and say which are bad, double or in two classes.

    Nothing is changed unless --quarantine is given.

    Example: tune clean photos/ --quarantine set-aside/
    """
    from data_pipeline.catalog.quarantine import quarantine
    from data_pipeline.listing.data_options import DataOptions
    from data_pipeline.preparation.prepare import open_catalog
    from data_pipeline.preparation.summary import summarize
    from search.cli.printing.catalog import print_summary

    with console_progress().task("checking files", counted=True) as task:
        catalog = open_catalog(
            data,
            cache_dir=cache_folder(cache_dir),
            options=DataOptions.of(**reading),
            progress=task.update,
        )
    summary = summarize(catalog)
    if as_json:
        print_json(summary)
    else:
        print_summary(summary)
    if destination is not None:
        moved = quarantine(catalog, destination)
        # On stderr: stdout holds the summary, perhaps as JSON.
        back = f"tune restore {shell_word(destination)}"
        echo(f"moved {counted(moved, 'file')}; bring them back with: {back}", err=True)


@click.command()
@click.argument("folder", type=FOLDER)
@click.option(
    "--into",
    type=FOLDER,
    help="Put the files into this folder, where another user or machine set them aside.  "
    "[default: where they were]",
)
def restore_command(folder: Path, into: Path | None) -> None:
    """Put every file that 'tune clean --quarantine FOLDER' moved back where it was.

    Example: tune restore set-aside/
    """
    from data_pipeline.catalog.quarantine import restore

    echo(f"put {counted(restore(folder, into), 'file')} back")


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--pictures",
    type=click.IntRange(10, 10_000),
    default=240,
    show_default=True,
    help="Images per class.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Random seed.")
def demo_command(folder: Path, pictures: int, seed: int) -> None:
    """Draw a small labelled set of images, some of them broken on purpose.

    Example: tune demo shapes/ && tune clean shapes/
    """
    from data_pipeline.sample import draw_sample

    draw_sample(folder, images_per_class=pictures, seed=seed)
    echo(f"drew the sample in {folder}/; search it with: tune run {shell_word(folder)}")


COMMANDS = (clean_command, restore_command, demo_command)
