"""All that a trial needs of its run, loaded from the run's folder.

A worker is given a folder and a record, both plain values; this turns the folder into arrays
and a hypermodel, so that a trial runs the same in any process on any machine that sees it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_pipeline.catalog import Catalog
from data_pipeline.duplicates import group_ids
from data_pipeline.pixels import PreparedPixels
from data_pipeline.split import Splits
from search.config import RunConfig
from search.errors import TuneError
from search.store import RunFolder, read_json, write_array, write_arrays, write_json


@dataclass(frozen=True)
class Experiment:
    """A run's configuration and data.

    Attributes:
        pixels: uint8 [n, height, width, 3], mapped from disk.
        targets: int32 [n], class numbers.
        train, validation, test: int64 row numbers into both.
        labels: class names, in the order of class numbers.
        features: folder of the features of backbones, shared by all runs on these pixels.
    """

    run: RunFolder
    config: RunConfig
    pixels: NDArray[np.uint8]
    targets: NDArray[np.int32]
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    labels: tuple[str, ...]
    features: Path

    @property
    def num_classes(self) -> int:
        """Number of classes; 2 means one sigmoid unit."""
        return len(self.labels)

    @cached_property
    def classifier(self) -> Any:
        """The hypermodel (`models.hypermodel.ImageClassifier`) of this run."""
        from models.hypermodel import ImageClassifier

        return ImageClassifier(
            families=self.config.families,
            backbones=self.config.backbones,
            image_size=self.config.image_size,
            num_classes=self.num_classes,
            compact=self.config.compact,
            weights=self.config.weights,
        )

    @classmethod
    def load(cls, run: RunFolder) -> "Experiment":
        """Read a run's folder.

        Raises:
            TuneError: a file is missing or broken.
        """
        data = read_json(run.data)
        splits = load_splits(run)
        config = RunConfig.load(run)
        pixels = Path(data["pixels"])
        return cls(
            run=run,
            config=config,
            pixels=PreparedPixels(pixels, config.image_size, "").open(),
            targets=np.load(run.targets, allow_pickle=False),
            labels=tuple(data["labels"]),
            features=pixels.with_suffix(".features"),
            train=splits.train,
            validation=splits.validation,
            test=splits.test,
        )


@dataclass(frozen=True)
class Pictures:
    """What the catalog knew of each prepared picture; item i is row i of the pixels.

    Attributes:
        root: folder of the user's pictures.
        paths: relative to it, with "/".
        formats: "JPEG", "PNG", "GIF", "BMP" or "WEBP".
        sizes: int32 [n, 2], height and width in pixels once upright.
    """

    root: Path
    paths: tuple[str, ...]
    formats: tuple[str, ...]
    sizes: NDArray[np.int32]

    @classmethod
    def load(cls, run: RunFolder) -> "Pictures":
        """Read it from a run's folder.

        Raises:
            TuneError: the file is missing or broken; a `--resume` writes it anew.
        """
        values = read_json(run.pictures)
        return cls(
            root=Path(values["root"]),
            paths=tuple(values["paths"]),
            formats=tuple(values["formats"]),
            sizes=np.array(values["sizes"], np.int32).reshape(-1, 2),
        )


def require_written(run: RunFolder, *paths: Path) -> None:
    """Look for what runs of older versions lack, before minutes are spent.

    Raises:
        TuneError: something is missing.
    """
    missing = [path.name for path in paths if not path.exists()]
    if missing:
        raise TuneError(
            f"{run.path}: has no {' and no '.join(missing)}, since an older version of tune began "
            f"it; 'tune run --resume {run.name}' writes what is missing"
        )


def load_splits(run: RunFolder) -> Splits:
    """Which picture is for what in this run."""
    with np.load(run.splits, allow_pickle=False) as splits:
        return Splits(*(splits[name] for name in ("train", "validation", "test")))


def save_data(
    run: RunFolder,
    catalog: Catalog,
    pixels: PreparedPixels,
    splits: Splits,
    leaks: Iterable[dict[str, Any]] = (),
) -> None:
    """Write what `Experiment.load` reads, and the fingerprint that a resume compares.

    Of `leaks` (see `data_pipeline.leaks.find_leaks`) all but the pictures: they may be many.
    """
    write_json(
        run.data,
        {
            "root": str(catalog.root),
            "fingerprint": catalog.fingerprint,
            "labels": list(catalog.labels),
            "pictures": len(catalog.kept),
            "set_aside": len(catalog.entries) - len(catalog.kept),
            "pixels": str(Path(pixels.path).resolve()),
            "splits": {
                name: len(getattr(splits, name)) for name in ("train", "validation", "test")
            },
            "leaks": [
                {key: value for key, value in leak.items() if key != "groups"} for leak in leaks
            ],
        },
    )
    _save_files(run, catalog)
    write_array(run.targets, catalog.targets)
    write_array(run.groups, group_ids(catalog))
    write_arrays(run.splits, train=splits.train, validation=splits.validation, test=splits.test)


def _save_files(run: RunFolder, catalog: Catalog) -> None:
    """Write which files were kept, and which were not and why."""
    write_json(
        run.pictures,
        {
            "root": str(catalog.root.resolve()),
            "paths": [entry.path for entry in catalog.kept],
            "formats": [entry.format for entry in catalog.kept],
            "sizes": [[entry.height, entry.width] for entry in catalog.kept],
        },
    )
    write_json(
        run.set_aside,
        [
            {"path": entry.path, "reason": entry.reason}
            for entry in catalog.entries
            if entry.verdict == "bad"
        ],
    )
