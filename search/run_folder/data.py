"""Write and read the data of a run: images, classes, groups and splits."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_pipeline.catalog.entries import Catalog
from data_pipeline.near_duplicates.duplicates import group_ids
from data_pipeline.near_duplicates.known_images import KnownImages
from data_pipeline.pixels.prepared import PreparedPixels
from data_pipeline.preparation.split import Splits, given_splits
from data_pipeline.preparation.summary import not_used
from search.errors import TuneError
from search.process.atomic_files import (
    read_array,
    read_arrays,
    write_array,
    write_arrays,
    write_json,
)
from search.run_folder.data_summary import DataSummary, Leak, SplitSizes, made_by, this_version
from search.run_folder.images import Images, written_anew
from search.run_folder.paths import RunFolder
from search.run_folder.schema import from_json, to_json


def require_written(run: RunFolder, *paths: Path) -> None:
    """Look for what runs of older versions lack, before minutes are spent.

    Raises:
        TuneError: something is missing.
    """
    older = {run.images: run.older_images, run.known: run.older_known}
    missing = [p.name for p in paths if not (p.exists() or older.get(p, p).exists())]
    if missing:
        raise TuneError(
            f"{run.path}: has no {' and no '.join(missing)}, since "
            f"{made_by(run) or 'an older version of tune'} began it; "
            f"'tune run --resume {run.argument}' writes what is missing"
        )


def load_splits(run: RunFolder) -> Splits:
    """Read which image is for what in this run.

    Raises:
        TuneError: the file is missing or damaged.
    """
    names = ("train", "validation", "test")
    lost = "put it back from a copy: without it nobody knows which images are for the test"
    return Splits(*read_arrays(run.splits, names, "i", remedy=lost))


def load_targets(run: RunFolder) -> NDArray[np.int32]:
    """Read the class number of each prepared image, int32 [n].

    Raises:
        TuneError: the file is missing or damaged.
    """
    return read_array(run.targets, "i", dimensions=1, remedy=written_anew(run))


def load_groups(run: RunFolder) -> NDArray[np.int64]:
    """Read the group of copies of each prepared image, int64 [n].

    Raises:
        TuneError: the file is missing or damaged.
    """
    return read_array(run.groups, "i", dimensions=1, remedy=written_anew(run))


def load_predictions(path: Path) -> NDArray[np.float32]:
    """Read class probabilities, float32 [n, classes].

    Raises:
        TuneError: the file is missing or damaged.
    """
    return read_array(path, "f", dimensions=2, remedy="delete it to go on without")


def class_counts(
    targets: NDArray[np.int32], splits: Splits, *, num_classes: int
) -> tuple[int, ...]:
    """Count the images of each class to train and to validate on.

    Those to test on are not counted: nothing may be chosen by them.
    """
    seen = targets[np.concatenate([splits.train, splits.validation])]
    return tuple(np.bincount(seen, minlength=num_classes).tolist())


def save_data(
    run: RunFolder,
    catalog: Catalog,
    prepared: Sequence[PreparedPixels],
    splits: Splits,
    leaks: Iterable[dict[str, Any]] = (),
    *,
    dealt_apart: int = 0,
    disk: int | None = None,
) -> None:
    """Write what `Experiment.load` reads, and the fingerprint that a resume compares.

    `prepared` is in the order of `RunConfig.prepared_sizes`.

    Of `leaks` (see `data_pipeline.near_duplicates.leaks.find_leaks`) all but the images: they may
    be many.

    `dealt_apart` is how many images are of groups that are too large for one split.

    `disk` is how many bytes prepared images and features may take, where the user said that.
    """
    first, *others = (str(Path(pixels.path).resolve()) for pixels in prepared)
    summary = DataSummary(
        root=str(catalog.root),
        fingerprint=catalog.fingerprint,
        class_names=tuple(catalog.class_names),
        images=len(catalog.kept),
        set_aside=len(catalog.entries) - len(catalog.kept),
        not_used=not_used(catalog),
        pixels=first,
        other_pixels=tuple(others),
        splits=SplitSizes(len(splits.train), len(splits.validation), len(splits.test)),
        given=tuple(sorted(given_splits(catalog))),
        leaks=tuple(from_json(Leak, leak, file=run.data) for leak in leaks),
        made_by=this_version(),
        dealt_apart=dealt_apart,
        disk=disk,
    )
    write_json(run.data, to_json(summary))
    _save_files(run, catalog)
    write_array(run.targets, catalog.targets)
    write_array(run.groups, group_ids(catalog))
    KnownImages.of(catalog, np.concatenate([splits.train, splits.validation])).save(run.known)
    run.older_known.unlink(missing_ok=True)
    write_arrays(run.splits, train=splits.train, validation=splits.validation, test=splits.test)


def _save_files(run: RunFolder, catalog: Catalog) -> None:
    """Write which files were kept, and which were not and why."""
    kept = catalog.kept
    Images(
        root=catalog.root.resolve(),
        paths=kept.files.paths,
        formats=kept.formats,
        sizes=kept.sizes[:, ::-1],
        pixel_hashes=kept.pixel_hashes,
        content_hashes=kept.content_hashes,
    ).save(run)
    run.older_images.unlink(missing_ok=True)
    write_json(
        run.excluded,
        [
            {"path": entry.path, "reason": entry.reason, "content_hash": entry.content_hash}
            for entry in catalog.table.take(np.flatnonzero(~catalog.table.kept))
        ],
    )
