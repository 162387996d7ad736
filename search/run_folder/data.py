"""Write and read the data of a run: images, classes, groups and splits."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_pipeline.catalog.entries import Catalog
from data_pipeline.near_duplicates.duplicates import group_ids
from data_pipeline.near_duplicates.known_images import KnownImages
from data_pipeline.pixels.prepared import PreparedPixels
from data_pipeline.pixels.thumbnails import KnownFile
from data_pipeline.preparation.split import Splits
from data_pipeline.preparation.summary import not_used
from search.errors import TuneError
from search.process.atomic_files import (
    read_array,
    read_arrays,
    read_object,
    write_array,
    write_arrays,
    write_json,
)
from search.process.printable import printable
from search.run_folder.data_summary import DataSummary, Leak, SplitSizes, made_by, this_version
from search.run_folder.paths import RunFolder
from search.run_folder.schema import from_json, to_json


@dataclass(frozen=True)
class Images:
    """What the catalog knew of each prepared image; item i is row i of the pixels.

    Attributes:
        root: folder of the user's images.
        paths: relative to it, with "/".
        formats: one of `data_pipeline.decoding.decode.FORMATS` each, or "HEIF".
        sizes: int32 [n, 2], height and width in pixels once upright.
        pixel_hashes: by which a file is known to be the one that was checked; "" each where an
            older version did not write them.
    """

    root: Path
    paths: tuple[str, ...]
    formats: tuple[str, ...]
    sizes: NDArray[np.int32]
    pixel_hashes: tuple[str, ...]

    def file(self, row: int) -> KnownFile:
        """One of them, to be shown."""
        return KnownFile(self.root / self.paths[row], self.pixel_hashes[row])

    @classmethod
    def load(cls, run: RunFolder) -> "Images":
        """Read it from a run's folder.

        Raises:
            TuneError: the file is missing or broken; a `--resume` writes it anew.
        """
        values = read_object(run.images)
        try:
            images = cls(
                root=Path(values["root"]),
                paths=tuple(map(os.fspath, values["paths"])),
                formats=tuple(values["formats"]),
                sizes=np.array(values["sizes"], np.int32).reshape(-1, 2),
                pixel_hashes=tuple(values.get("pixel_hashes") or [""] * len(values["paths"])),
            )
            lists = (images.formats, images.sizes, images.pixel_hashes)
            if any(len(each) != len(images.paths) for each in lists):
                raise ValueError("lists of unequal length")
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise TuneError(
                f"{printable(run.images)}: not as tune writes it; {_anew(run)}"
            ) from error
        return images


def require_written(run: RunFolder, *paths: Path) -> None:
    """Look for what runs of older versions lack, before minutes are spent.

    Raises:
        TuneError: something is missing.
    """
    missing = [path.name for path in paths if not path.exists()]
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
    return read_array(run.targets, "i", dimensions=1, remedy=_anew(run))


def load_groups(run: RunFolder) -> NDArray[np.int64]:
    """Read the group of copies of each prepared image, int64 [n].

    Raises:
        TuneError: the file is missing or damaged.
    """
    return read_array(run.groups, "i", dimensions=1, remedy=_anew(run))


def load_predictions(path: Path) -> NDArray[np.float32]:
    """Read class probabilities, float32 [n, classes].

    Raises:
        TuneError: the file is missing or damaged.
    """
    return read_array(path, "f", dimensions=2, remedy="delete it to go on without")


def _anew(run: RunFolder) -> str:
    return f"'tune run --resume {run.argument}' writes it anew"


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
) -> None:
    """Write what `Experiment.load` reads, and the fingerprint that a resume compares.

    `prepared` is in the order of `RunConfig.prepared_sizes`.

    Of `leaks` (see `data_pipeline.near_duplicates.leaks.find_leaks`) all but the images: they may
    be many.
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
        given=tuple(sorted({entry.split for entry in catalog.kept if entry.split})),
        leaks=tuple(from_json(Leak, leak, file=run.data) for leak in leaks),
        made_by=this_version(),
    )
    write_json(run.data, to_json(summary))
    _save_files(run, catalog)
    write_array(run.targets, catalog.targets)
    write_array(run.groups, group_ids(catalog))
    trained_on = np.concatenate([splits.train, splits.validation]).tolist()
    write_arrays(run.known, **KnownImages.of(catalog, trained_on).arrays())
    write_arrays(run.splits, train=splits.train, validation=splits.validation, test=splits.test)


def _save_files(run: RunFolder, catalog: Catalog) -> None:
    """Write which files were kept, and which were not and why."""
    write_json(
        run.images,
        {
            "root": str(catalog.root.resolve()),
            "paths": [entry.path for entry in catalog.kept],
            "formats": [entry.format for entry in catalog.kept],
            "sizes": [[entry.height, entry.width] for entry in catalog.kept],
            "pixel_hashes": [entry.pixel_hash for entry in catalog.kept],
        },
    )
    write_json(
        run.excluded,
        [
            {"path": entry.path, "reason": entry.reason, "content_hash": entry.content_hash}
            for entry in catalog.entries
            if entry.verdict == "bad"
        ],
    )
