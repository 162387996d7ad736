"""Check a data set and prepare its pixels, doing only what has not been done before."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

import numpy as np

from data_pipeline.catalog.cache import is_known, is_of_older, save_catalog
from data_pipeline.catalog.entries import Catalog
from data_pipeline.columns.digests import Digests
from data_pipeline.decoding.decode import FORMATS_IN_WORDS
from data_pipeline.errors import DataError
from data_pipeline.listing.data_options import PLAIN, DataOptions
from data_pipeline.listing.sources import list_images
from data_pipeline.pixels.building import PixelsBuilder
from data_pipeline.pixels.prepared import Donor, PreparedPixels
from data_pipeline.pixels.resize_mode import ResizeMode
from data_pipeline.preparation.check import bad_entry, check_file
from data_pipeline.preparation.checks import Checks
from data_pipeline.preparation.copied_pixels import copy_pixels
from data_pipeline.preparation.pixel_files import PixelFiles, Room, delete_smaller, is_there
from data_pipeline.preparation.tasks import Tasks
from data_pipeline.processes.limits import Failure
from data_pipeline.processes.workers import WITH_TENSORFLOW, run_in_workers, start_server

Progress = Callable[[int, int], None]

# Checks are saved after so many seconds, and in no more than that share of the time.
_SAVE_AFTER = 2.0
_SAVING_SHARE = 0.05


def preload_decoders(data: Path, *, cache_dir: Path) -> None:
    """Start loading the decoders, if `data` was never checked, while the caller does other things.

    Args:
        data: the data set that `prepare` will be called with.
        cache_dir: where checks are remembered.
    """
    if not is_known(data, cache_dir):
        start_server(WITH_TENSORFLOW)


def open_catalog(
    data: Path,
    *,
    cache_dir: Path,
    options: DataOptions = PLAIN,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Catalog:
    """Check every file of a data set that has not been checked before.

    Args:
        data: what one of `data_pipeline.listing.sources.SOURCES` accepts: a folder of class
            folders, or of `train/`, `validation/`, `test/` with them.
        cache_dir: where checks are remembered, by path, size and time of change.
        options: what the user says of the data set.
        workers: processes; None for one per core.
        progress: called with (files done, files to do).

    Raises:
        DataError: no such data, or fewer than 2 classes.
    """
    checks = Checks(data, list_images(data, options), cache_dir)
    run = _Run(checks, data, cache_dir, workers, progress)
    return run.of(Tasks(checks, np.flatnonzero(~checks.done)))


def prepare(
    data: Path,
    *,
    image_sizes: Sequence[tuple[int, int]],
    resize_mode: ResizeMode = "squeeze",
    cache_dir: Path,
    options: DataOptions = PLAIN,
    donors: Mapping[tuple[int, int], Donor] | None = None,
    room: Room | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> tuple[Catalog, tuple[PreparedPixels, ...]]:
    """Check as `open_catalog` does and, while a file is decoded, also resize every kept image.

    Nothing of unchanged data is decoded. For new sizes only kept files are, once for all sizes
    and by one decoder.

    Args:
        data: as `open_catalog` takes it.
        image_sizes: (height, width) of the prepared images, at least one.
        resize_mode: how an image of another shape is made to fit.
        cache_dir: where checks are remembered and prepared pixels kept.
        options: what the user says of the data set.
        donors: by image size, prepared pixels from which those of the same images are copied.
        room: how much disk the prepared pixels may take. Where that is too little for all, those
            of the first images are kept, as many as fit. None for as much as all need.
        workers: processes; None for one per core.
        progress: called with (files done, files to do).

    Raises:
        DataError: no such data, fewer than 2 classes, no usable image, no room.
    """
    checks = Checks(data, list_images(data, options), cache_dir)
    run = _Run(checks, data, cache_dir, workers, progress)
    pixel_files = PixelFiles(image_sizes, resize_mode, cache_dir, room)
    # First those that failed before, and without pixels: if they fail again, the pixels of the
    # last time are still right, and nothing else has to be done.
    catalog = run.of(Tasks(checks, checks.to_repeat))
    chosen = pixel_files.chosen(catalog, len(checks.done))
    all_done = bool(checks.done.all())
    missing = [not (all_done and is_there(pixels, catalog)) for pixels in chosen]
    if not any(missing):
        return catalog, chosen
    own = pixel_files.donors(catalog, len(checks.done)) if all_done else {}
    named = chosen
    # Where a file is bad by now the others are another data set, of which all sizes are made.
    for _ in range(2):
        wanted = list(compress(chosen, missing))
        catalog = _made(run, pixel_files, wanted, {**(donors or {}), **own})
        named = pixel_files.of_checked(catalog, chosen)
        missing = [not is_there(pixels, catalog) for pixels in named]
        if not any(missing):
            break
    return catalog, named


def _made(
    run: "_Run",
    pixel_files: PixelFiles,
    missing: Sequence[PreparedPixels],
    donors: Mapping[tuple[int, int], Donor],
) -> Catalog:
    """Make the missing files of pixels, and all checks that were not made yet."""
    checks = run.checks
    files = len(checks.done)
    folder, mode = pixel_files.cache_dir / "prepared", pixel_files.resize_mode
    with ExitStack() as stack:
        builders = [
            stack.enter_context(PixelsBuilder(folder, pixels.of(files), pixels.image_size, mode))
            for pixels in missing
        ]
        targets = tuple(builder.rows for builder in builders)
        hashes = Digests(checks.pixel_hashes)
        copied = copy_pixels(checks.kept, hashes, targets, donors)
        # Every file whose pixels are wanted and were not copied, and every file not yet checked.
        fits = np.arange(files) < max(target.rows for target in targets)
        wanted = np.flatnonzero(~checks.done | (checks.kept & fits & ~copied))
        catalog = run.of(Tasks(checks, wanted, targets))
        rows = _usable_rows(catalog)
        named = pixel_files.of_checked(catalog, missing)
        for builder, pixels in zip(builders, named, strict=True):
            builder.finish(rows, pixels.path)
            delete_smaller(pixels)
    return catalog


def _usable_rows(catalog: Catalog) -> np.ndarray:
    """The rows of kept images among those of all files.

    Raises:
        DataError: there is none.
    """
    rows = np.flatnonzero(catalog.table.kept)
    if not len(rows):
        raise DataError(
            f"{catalog.root}/: none of {len(catalog.entries)} files is a usable image; expected "
            f"{FORMATS_IN_WORDS} files; `tune clean` says what is wrong with each"
        )
    return rows


@dataclass(frozen=True)
class _Run:
    """Makes checks in worker processes. They are remembered even if the rest is killed."""

    checks: Checks
    data: Path
    cache_dir: Path
    workers: int | None
    progress: Progress | None

    def of(self, tasks: Tasks) -> Catalog:
        """Make the checks of `tasks`."""
        if not len(tasks):
            if is_of_older(self.data, self.cache_dir) and self.checks.done.any():
                # So that it is read in pieces from now on; a cache may be there to be read alone.
                with suppress(OSError):
                    self._save()
            return self.checks.catalog()
        due = time.monotonic() + _SAVE_AFTER
        try:
            results = run_in_workers(check_file, tasks, workers=self.workers)
            for done, (task, result) in enumerate(results, start=1):
                entry = (
                    bad_entry(task.file, result.reason) if isinstance(result, Failure) else result
                )
                if entry is not None:
                    self.checks.record(task.row, entry)
                if self.progress is not None:
                    self.progress(done, len(tasks))
                if time.monotonic() >= due:
                    due = time.monotonic() + max(_SAVE_AFTER, self._save() / _SAVING_SHARE)
        finally:
            self._save()
        return self.checks.catalog()

    def _save(self) -> float:
        """Remember the checks so far; return the seconds that it took."""
        begun = time.monotonic()
        save_catalog(self.checks.catalog(), self.data, self.cache_dir)
        return time.monotonic() - begun
