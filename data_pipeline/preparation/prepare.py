"""Check a data set and prepare its pixels, doing only what has not been done before."""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from data_pipeline.catalog.cache import is_known, load_entries, save_catalog
from data_pipeline.catalog.entries import Catalog, Entry
from data_pipeline.decoding.decode import FORMATS_IN_WORDS
from data_pipeline.errors import DataError
from data_pipeline.listing.listing import ListedFile, Listing
from data_pipeline.listing.sources import PLAIN, DataOptions, list_images
from data_pipeline.pixels.prepared import Donor, PixelsBuilder, PreparedPixels, RowFile, pixels_of
from data_pipeline.pixels.resize_mode import ResizeMode
from data_pipeline.preparation.check import CheckTask, bad_entry, check_file
from data_pipeline.preparation.copied_pixels import copy_pixels
from data_pipeline.processes.limits import Failure
from data_pipeline.processes.workers import WITH_TENSORFLOW, run_in_workers, start_server

Progress = Callable[[int, int], None]

# Checks are saved after so many seconds, and in no more than that share of the time.
_SAVE_AFTER = 2.0
_SAVING_SHARE = 0.05

# How reasons begin that may no longer hold the next time, although the file has not changed: a
# machine with too little memory or a slow network drive makes decoders fail on good files.
_PASSING_REASONS = (
    "unreadable",
    "changed",
    "took over",
    "no answer",
    "killed its decoder",
    "out of memory",
    "format not supported: HEIC",  # its package may be there by now
)


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
    listing = list_images(data, options)
    known = _still_known(listing.files, load_entries(data, cache_dir))
    tasks = [
        CheckTask(listing.root, file, row)
        for row, file in enumerate(listing.files)
        if file.path not in known and not file.problem
    ]
    return _Checks(data, listing, known, cache_dir).run(tasks, workers, progress)


def prepare(
    data: Path,
    *,
    image_sizes: Sequence[tuple[int, int]],
    resize_mode: ResizeMode = "squeeze",
    cache_dir: Path,
    options: DataOptions = PLAIN,
    donors: Mapping[tuple[int, int], Donor] | None = None,
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
        workers: processes; None for one per core.
        progress: called with (files done, files to do).

    Raises:
        DataError: no such data, fewer than 2 classes, no usable image, no room.
    """
    listing = list_images(data, options)
    files, entries = listing.files, load_entries(data, cache_dir)
    checks = _Checks(data, listing, _still_known(files, entries), cache_dir)
    # First those that failed before, and without pixels: if they fail again, the pixels of the
    # last time are still right, and nothing else has to be done.
    checks.run(_tasks_to_repeat(listing, entries), workers, progress)
    known = dict(checks.entries)
    missing = tuple(image_sizes)
    if all(file.path in known for file in files):
        catalog = checks.catalog()
        prepared = _prepared(catalog, image_sizes, resize_mode, cache_dir)
        missing = tuple(p.image_size for p in prepared if not p.is_whole(len(catalog.kept)))
        if not missing:
            return catalog, prepared
    with ExitStack() as stack:
        new = partial(PixelsBuilder, cache_dir / "prepared", len(files), resize_mode=resize_mode)
        builders = [stack.enter_context(new(size)) for size in missing]
        targets = tuple(builder.rows for builder in builders)
        copied = copy_pixels(listing, known, targets, donors or {})
        tasks = _pixel_tasks(listing, known, targets, copied)
        catalog = checks.run(tasks, workers, progress)
        rows = _usable_rows(catalog)
        made = _prepared(catalog, missing, resize_mode, cache_dir)
        for builder, pixels in zip(builders, made, strict=True):
            builder.finish(rows, pixels.path)
    return catalog, _prepared(catalog, image_sizes, resize_mode, cache_dir)


def _prepared(
    catalog: Catalog,
    image_sizes: Sequence[tuple[int, int]],
    resize_mode: ResizeMode,
    cache_dir: Path,
) -> tuple[PreparedPixels, ...]:
    return tuple(pixels_of(catalog, size, resize_mode, cache_dir) for size in image_sizes)


def _usable_rows(catalog: Catalog) -> list[int]:
    """The rows of kept images among those of all files.

    Raises:
        DataError: there is none.
    """
    rows = [row for row, entry in enumerate(catalog.entries) if entry.verdict == "kept"]
    if not rows:
        raise DataError(
            f"{catalog.root}/: none of {len(catalog.entries)} files is a usable image; expected "
            f"{FORMATS_IN_WORDS} files; `tune clean` says what is wrong with each"
        )
    return rows


def _pixel_tasks(
    listing: Listing, known: Mapping[str, Entry], rows: tuple[RowFile, ...], copied: Set[int]
) -> list[CheckTask]:
    """Every file whose pixels are wanted and were not copied, and every file not yet checked."""
    return [
        CheckTask(listing.root, file, row, rows, known.get(file.path))
        for row, file in enumerate(listing.files)
        if row not in copied
        and not file.problem
        and (file.path not in known or known[file.path].verdict == "kept")
    ]


def _tasks_to_repeat(listing: Listing, entries: Mapping[str, Entry]) -> list[CheckTask]:
    """The files whose last check failed for a reason that may no longer hold."""
    return [
        CheckTask(listing.root, file, row)
        for row, file in enumerate(listing.files)
        if not file.problem
        and file.path in entries
        and entries[file.path].reason.startswith(_PASSING_REASONS)
    ]


def _still_known(files: Sequence[ListedFile], entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """The remembered checks of files that are as they were."""
    known: dict[str, Entry] = {}
    for file in files:
        entry = entries.get(file.path)
        if (
            entry is not None
            and not file.problem
            and not entry.reason.startswith(_PASSING_REASONS)
            and (entry.bytes, entry.mtime_ns) == (file.bytes, file.mtime_ns)
        ):
            # What it shows may be said otherwise now, which is no reason to decode it again.
            known[file.path] = dataclasses.replace(
                entry, label=file.label, split=file.split, group=file.group
            )
    return known


class _Checks:
    """The checks of a data set so far. They are remembered even if the rest is killed."""

    def __init__(
        self, data: Path, listing: Listing, known: Mapping[str, Entry], cache_dir: Path
    ) -> None:
        self.data, self.listing, self.cache_dir = data, listing, cache_dir
        self.entries = dict(known)
        for file in listing.files:
            if file.problem:
                self.entries[file.path] = bad_entry(file, file.problem)

    def catalog(self) -> Catalog:
        checked = (self.entries.get(file.path) for file in self.listing.files)
        entries = tuple(entry for entry in checked if entry)
        listing = self.listing
        return Catalog(
            listing.root,
            entries,
            listing.class_names,
            left_out=listing.left_out,
            notes=listing.notes,
            doubts=listing.doubts,
        )

    def run(
        self, tasks: Sequence[CheckTask], workers: int | None, progress: Progress | None
    ) -> Catalog:
        """Make the checks of `tasks`; the catalog is complete afterwards."""
        if not tasks:
            return self.catalog()
        due = time.monotonic() + _SAVE_AFTER
        try:
            results = run_in_workers(check_file, tasks, workers=workers)
            for done, (task, result) in enumerate(results, start=1):
                self.entries[task.file.path] = (
                    bad_entry(task.file, result.reason) if isinstance(result, Failure) else result
                )
                if progress is not None:
                    progress(done, len(tasks))
                if time.monotonic() >= due:
                    due = time.monotonic() + max(_SAVE_AFTER, self._save() / _SAVING_SHARE)
        finally:
            self._save()
        return self.catalog()

    def _save(self) -> float:
        """Remember the checks so far; return the seconds that it took."""
        begun = time.monotonic()
        save_catalog(self.catalog(), self.data, self.cache_dir)
        return time.monotonic() - begun
