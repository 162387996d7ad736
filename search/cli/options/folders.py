"""Folders and files that several commands are given, and those they use otherwise."""

from pathlib import Path

import click

from search.run_folder.paths import DEFAULT_RESULTS

# A folder or a file: `data_pipeline.listing.sources` knows which of them hold labelled images.
DATA = click.Path(exists=True, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
RESULTS = click.option(
    "--results",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_RESULTS,
    show_default=True,
    help="Folder of all runs.",
)
CACHE = click.option(
    "--cache-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Folder for checked catalogs and prepared pixels.  [default: the user's cache folder]",
)
