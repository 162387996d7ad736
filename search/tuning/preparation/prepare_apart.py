"""Prepare the images of a run: many in a process of its own.

What is known of a million files takes hundreds of megabytes while it is worked on, beside those of
TensorFlow, which the driver has loaded by then.
"""

import os
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from models.families.registry import register_name
from search.process.apart import call_apart
from search.process.progress import ProgressSink
from search.run_folder.config import RunConfig
from search.run_folder.paths import RunFolder
from search.tuning.preparation.prepare_data import prepare_data

MANY_FILES = 100_000


def has_many_files(data: Path, *, follow_links: bool = False) -> bool:
    """Tell whether so many files lie below a folder; no more than that are looked at."""
    return _has(data.resolve(), MANY_FILES, follow_links)


@cache  # asked three times as a search begins; either answer is right, but for memory
def _has(data: Path, count: int, follow_links: bool) -> bool:
    files = (name for _, _, names in os.walk(data, followlinks=follow_links) for name in names)
    return next(islice(files, count - 1, None), None) is not None


def prepare(run: RunFolder, config: RunConfig, *, progress: ProgressSink, **options: Any) -> None:
    """Prepare the images of a run: many in a process of its own, few in this one.

    Args:
        run, config, progress: as `prepare_data` takes them.
        options: the others that it takes.

    Raises:
        TuneError, DataError: what a user can mend.
    """
    if has_many_files(Path(config.data), follow_links=config.data_options.follow_links):
        call_apart(_prepare, run, config, progress=progress, **options)
    else:
        prepare_data(run, config, progress=progress, **options)


def _prepare(run: RunFolder, config: RunConfig, **options: Any) -> None:
    """The same in a process that has not read the run's configuration."""
    for name, _ in config.own_families:
        register_name(name)
    prepare_data(run, config, **options)
