"""From a folder to its checked catalog and prepared pixels, doing only what is not yet done."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from data_pipeline.catalog.cache import is_known, load_entries, save_catalog
from data_pipeline.catalog.entries import Catalog, Entry
from data_pipeline.catalog.walk import Found, walk
from data_pipeline.errors import DataError
from data_pipeline.pixels.prepared import PixelsBuilder, PreparedPixels, RowFile, pixels_of
from data_pipeline.preparation.check import CheckTask, bad_entry, check_file
from data_pipeline.processes.limits import Failure
from data_pipeline.processes.workers import WITH_TENSORFLOW, run_in_workers, start_server

Progress = Callable[[int, int], None]

# How reasons begin that may no longer hold the next time, although the file has not changed: a
# machine with too little memory or a slow network drive makes decoders fail on good files.
_PASSING_REASONS = (
    "unreadable",
    "changed",
    "took over",
    "no answer",
    "killed its decoder",
    "out of memory",
)


def preload_decoders(root: Path, *, cache_dir: Path) -> None:
    """Start loading the decoders, if `root` was never checked, while the caller does other things.

    Args:
        root: the folder that `prepare` will be called with.
        cache_dir: where checks are remembered.
    """
    if not is_known(root, cache_dir):
        start_server(WITH_TENSORFLOW)


def open_catalog(
    root: Path,
    *,
    cache_dir: Path,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Catalog:
    """Check every file under `root` that has not been checked before.

    Args:
        root: a folder of class folders, or of `train/`, `validation/`, `test/` with them.
        cache_dir: where checks are remembered, by path, size and time of change.
        workers: processes; None for one a core.
        progress: called with (files done, files to do).

    Raises:
        DataError: no such folder, or fewer than 2 classes.
    """
    found, class_names = walk(root)
    known = _still_known(found, load_entries(root, cache_dir))
    tasks = [
        CheckTask(root, file, row)
        for row, file in enumerate(found)
        if file.path not in known and not file.problem
    ]
    checks = _Checks(root, found, class_names, known, cache_dir)
    return checks.run(tasks, workers, progress)


def prepare(
    root: Path,
    *,
    image_size: tuple[int, int],
    crop_to_aspect_ratio: bool = False,
    cache_dir: Path,
    workers: int | None = None,
    progress: Progress | None = None,
) -> tuple[Catalog, PreparedPixels]:
    """Check as `open_catalog` does and, in the same pass, resize every kept image.

    On unchanged data nothing is decoded. For a new size, only kept files are, by one decoder.

    Args:
        root: a folder of class folders, or of `train/`, `validation/`, `test/` with them.
        image_size: (height, width) of the prepared images.
        crop_to_aspect_ratio: cut the middle out instead of distorting, as Keras has it.
        cache_dir: where checks are remembered and prepared pixels kept.
        workers: processes; None for one a core.
        progress: called with (files done, files to do).

    Raises:
        DataError: no such folder, fewer than 2 classes, no usable image, no room.
    """
    found, class_names = walk(root)
    entries = load_entries(root, cache_dir)
    checks = _Checks(root, found, class_names, _still_known(found, entries), cache_dir)
    # Before all others, and without pixels: if nothing comes of it, nothing else need be done.
    checks.run(_again(root, found, entries), workers, progress)
    known = dict(checks.entries)
    if all(file.path in known or file.problem for file in found):
        catalog = checks.catalog()
        pixels = pixels_of(catalog, image_size, crop_to_aspect_ratio, cache_dir)
        if pixels.is_whole(len(catalog.kept)):
            return catalog, pixels
    folder = cache_dir / "prepared"
    with PixelsBuilder(folder, len(found), image_size, crop_to_aspect_ratio) as builder:
        catalog = checks.run(_pixel_tasks(root, found, known, builder.rows), workers, progress)
        rows = [row for row, entry in enumerate(catalog.entries) if entry.verdict == "kept"]
        if not rows:
            raise DataError(
                f"{root}/: none of {len(found)} files is a usable image; expected JPEG, PNG, "
                "GIF, BMP or WebP files; `tune clean` says what is wrong with each"
            )
        pixels = pixels_of(catalog, image_size, crop_to_aspect_ratio, cache_dir)
        builder.finish(rows, pixels.path)
    return catalog, pixels


def _pixel_tasks(
    root: Path, found: Sequence[Found], known: Mapping[str, Entry], rows: RowFile
) -> list[CheckTask]:
    """Every file whose pixels are wanted, and every file not yet checked."""
    return [
        CheckTask(root, file, row, rows, known.get(file.path))
        for row, file in enumerate(found)
        if not file.problem and (file.path not in known or known[file.path].verdict == "kept")
    ]


def _again(root: Path, found: Sequence[Found], entries: Mapping[str, Entry]) -> list[CheckTask]:
    """The files whose last check went wrong in a way that may pass."""
    return [
        CheckTask(root, file, row)
        for row, file in enumerate(found)
        if not file.problem
        and file.path in entries
        and entries[file.path].reason.startswith(_PASSING_REASONS)
    ]


def _still_known(found: Sequence[Found], entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """The remembered checks of files that are as they were."""
    known: dict[str, Entry] = {}
    for file in found:
        entry = entries.get(file.path)
        if (
            entry is not None
            and not file.problem
            and not entry.reason.startswith(_PASSING_REASONS)
            and (entry.bytes, entry.mtime_ns) == (file.bytes, file.mtime_ns)
            and (entry.label, entry.split) == (file.label, file.split)
        ):
            known[file.path] = entry
    return known


class _Checks:
    """A folder's checks so far; what is interrupted is remembered for the next time."""

    def __init__(
        self,
        root: Path,
        found: Sequence[Found],
        class_names: tuple[str, ...],
        known: Mapping[str, Entry],
        cache_dir: Path,
    ) -> None:
        self.root, self.found, self.class_names, self.cache_dir = (
            root,
            found,
            class_names,
            cache_dir,
        )
        self.entries = dict(known)
        for file in found:
            if file.problem:
                self.entries[file.path] = bad_entry(file, file.problem)

    def catalog(self) -> Catalog:
        checked = (self.entries.get(file.path) for file in self.found)
        return Catalog(self.root, tuple(entry for entry in checked if entry), self.class_names)

    def run(
        self, tasks: Sequence[CheckTask], workers: int | None, progress: Progress | None
    ) -> Catalog:
        """Make the checks of `tasks`; the catalog is complete afterwards."""
        if not tasks:
            return self.catalog()
        try:
            results = run_in_workers(check_file, tasks, workers=workers)
            for done, (task, result) in enumerate(results, start=1):
                entry = (
                    bad_entry(task.found, result.reason) if isinstance(result, Failure) else result
                )
                self.entries[task.found.path] = entry
                if progress is not None:
                    progress(done, len(tasks))
        finally:
            save_catalog(self.catalog(), self.cache_dir)
        return self.catalog()
