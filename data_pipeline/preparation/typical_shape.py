"""Estimate how large and how long the images of a data set are, before all of them are read."""

import warnings
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from data_pipeline.catalog.cache import checked_at, load_entries
from data_pipeline.decoding.decode import FORMATS
from data_pipeline.decoding.upright import BROKEN, orientation
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
        cache_dir: where checks are remembered: what was checked before is not read again, but
            for a table of labels, which may name other files of the folder.
        options: what the user says of the data set.

    Raises:
        DataError: no such data, or fewer than 2 classes; where nothing is remembered of it.
    """
    if options.labels is None and (known := _remembered(data, cache_dir)) is not None:
        return _typical(known)
    listing = list_images(data, options)
    files = Files.of(listing.files)
    some = _spread(np.flatnonzero(~files.problems.filled))
    paths = [listing.root / files.paths[row] for row in some]
    results = run_in_workers(size_of, paths)
    sizes = [size for _, size in results if not isinstance(size, Failure) and size]
    return _typical(sizes) if sizes else None


def _remembered(data: Path, cache_dir: Path) -> np.ndarray | None:
    """The sizes of images that were checked before; None where they are not the ones there now.

    That follows from some of them, and from the times of their folders: to list a million files
    takes seconds, and `prepare` does it anyway.
    """
    entries = load_entries(data, cache_dir)
    files, kept = entries.files, np.flatnonzero(entries.kept)
    paths = {row: data / files.paths[row] for row in _spread(kept)}
    try:
        noted = checked_at(data, cache_dir)
        for row, path in paths.items():
            status = path.stat()
            if (status.st_size, status.st_mtime_ns) != (files.bytes[row], files.mtime_ns[row]):
                return None
        folders = {data, *(path.parent for path in paths.values())}
        if any(folder.stat().st_mtime_ns > noted for folder in folders):
            return None
    except OSError:  # gone, or never there
        return None
    return np.asarray(entries.sizes[kept]) if paths else None


def _spread(rows: np.ndarray) -> list[int]:
    """Some of the rows, spread over all."""
    picks = np.linspace(0, len(rows) - 1, min(_FILES, len(rows))).astype(int)
    return list(rows[picks].tolist())


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
    with warnings.catch_warnings(), suppress(*BROKEN, Image.DecompressionBombError):
        warnings.simplefilter("ignore")  # large images and odd metadata: the check judges them
        with Image.open(path, formats=FORMATS) as image:
            return image.size if orientation(image) < _ON_ITS_SIDE else image.size[::-1]
    return None
