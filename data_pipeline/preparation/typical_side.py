"""Estimate how large the images of a data set are, before all of them are read."""

import statistics
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image

from data_pipeline.catalog.cache import load_entries
from data_pipeline.catalog.decode import BROKEN, FORMATS
from data_pipeline.catalog.sources import PLAIN, DataOptions, list_images
from data_pipeline.processes.limits import Failure
from data_pipeline.processes.workers import run_in_workers

_FILES = 48  # spread over all


def typical_side(data: Path, *, cache_dir: Path, options: DataOptions = PLAIN) -> int | None:
    """Return the median of the longer sides of some images, in pixels; None where none can be read.

    Args:
        data: as `data_pipeline.preparation.prepare.prepare` takes it.
        cache_dir: where checks are remembered: what was checked before is not read again.
        options: what the user says of the data set.

    Raises:
        DataError: no such data, or fewer than 2 classes.
    """
    listing = list_images(data, options)
    entries = load_entries(data, cache_dir)
    known = [max(e.width, e.height) for e in entries.values() if e.verdict == "kept"]
    if known:
        return round(statistics.median(known))
    files = [listing.root / file.path for file in listing.files if not file.problem]
    picks = np.linspace(0, len(files) - 1, min(_FILES, len(files))).astype(int)
    results = run_in_workers(longer_side, [files[number] for number in picks])
    sides = [side for _, side in results if not isinstance(side, Failure) and side]
    return round(statistics.median(sides)) if sides else None


def longer_side(path: Path) -> int:
    """Read the longer side of an image from its header, in pixels; 0 where it cannot be read."""
    with warnings.catch_warnings(), suppress(*BROKEN):
        warnings.simplefilter("ignore")  # large images and odd metadata: the check judges them
        with Image.open(path, formats=FORMATS) as image:
            return max(image.size)
    return 0
