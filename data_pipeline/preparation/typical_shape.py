"""Estimate how large and how long the images of a data set are, before all of them are read."""

import warnings
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from data_pipeline.catalog.cache import load_entries
from data_pipeline.decoding.decode import BROKEN, FORMATS, orientation
from data_pipeline.listing.data_options import PLAIN, DataOptions
from data_pipeline.listing.files import Files
from data_pipeline.listing.sources import list_images
from data_pipeline.processes.limits import Failure
from data_pipeline.processes.workers import run_in_workers

_FILES = 48  # spread over all
# Photos are up to 16:9, upright or not. Only where nine in ten are longer, and in one direction,
# is that a property of the data set.
_LONG = 1.8
_LONGEST = 4.0
_ON_ITS_SIDE = 5  # the first Exif orientation of an image that is shown a quarter turned


class TypicalShape(NamedTuple):
    """Of the images of a data set.

    Attributes:
        side: median of the longer sides, in pixels.
        aspect: median of width over height, from 1/4 to 4, where nine in ten images are wide, or
            nine in ten are tall; else 1.
    """

    side: int
    aspect: float = 1.0


def typical_shape(
    data: Path, *, cache_dir: Path, options: DataOptions = PLAIN
) -> TypicalShape | None:
    """Look at the sizes of some images; None where none can be read.

    Args:
        data: as `data_pipeline.preparation.prepare.prepare` takes it.
        cache_dir: where checks are remembered: what was checked before is not read again.
        options: what the user says of the data set.

    Raises:
        DataError: no such data, or fewer than 2 classes; where nothing is remembered of it.
    """
    entries = load_entries(data, cache_dir)
    if entries.kept.any():
        # To list a million files takes seconds, and `prepare` does it anyway.
        return _typical(entries.sizes[entries.kept])
    listing = list_images(data, options)
    files = Files.of(listing.files)
    readable = np.flatnonzero(~files.problems.filled)
    picks = np.linspace(0, len(readable) - 1, min(_FILES, len(readable))).astype(int)
    paths = [listing.root / files.paths[row] for row in readable[picks].tolist()]
    results = run_in_workers(size_of, paths)
    sizes = [size for _, size in results if not isinstance(size, Failure) and size]
    return _typical(sizes) if sizes else None


def _typical(sizes: ArrayLike) -> TypicalShape:
    widths, heights = np.asarray(sizes, float).T
    side = round(float(np.median(np.maximum(widths, heights))))
    aspects = widths / heights
    wide, tall = np.quantile(aspects, 0.1) > _LONG, np.quantile(aspects, 0.9) < 1 / _LONG
    if not wide and not tall:
        return TypicalShape(side)
    return TypicalShape(side, float(np.clip(np.median(aspects), 1 / _LONGEST, _LONGEST)))


def size_of(path: Path) -> tuple[int, int] | None:
    """Read (width, height) in pixels from the header of an image, once upright.

    None where it cannot be read.
    """
    with warnings.catch_warnings(), suppress(*BROKEN):
        warnings.simplefilter("ignore")  # large images and odd metadata: the check judges them
        with Image.open(path, formats=FORMATS) as image:
            return image.size if orientation(image) < _ON_ITS_SIDE else image.size[::-1]
    return None
