"""Folders and files that several commands are given, and those they use otherwise."""

from pathlib import Path

import click

from search.errors import TuneError
from search.process.printable import printable
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


def cache_folder(given: Path | None) -> Path:
    """Make the given cache folder, or the user's, if it is not there yet.

    Raises:
        TuneError: it cannot be made, or there is no home folder.
    """
    from data_pipeline.atomic_files import make_folder
    from data_pipeline.catalog.cache import default_cache_dir

    try:
        folder = given or default_cache_dir()
        make_folder(folder, shared=True)
    except RuntimeError as error:  # an unknown user without HOME
        raise TuneError(
            "there is no home folder to keep checked images in; give --cache-dir FOLDER"
        ) from error
    except OSError as error:
        raise TuneError(
            f"{printable(str(error.filename or given))}: {error.strerror}; checked images are kept "
            "there; give another --cache-dir"
        ) from error
    return folder
