"""Load what a trial needs from a run's folder: configuration, pixels, splits.

A worker is given a folder and a record, both plain values; this turns the folder into arrays
and a hypermodel, so that a trial runs the same in any process on any machine that sees it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_pipeline.pixels.image_rows import ImageRows
from data_pipeline.pixels.partly_prepared import OriginalFiles, Originals, PartlyPrepared
from data_pipeline.pixels.prepared import PreparedPixels, largest_there
from search.errors import DataGoneError
from search.evaluation.objective import are_unequal
from search.run_folder.config import RunConfig
from search.run_folder.data import class_counts, load_groups, load_splits, load_targets
from search.run_folder.data_summary import DataSummary
from search.run_folder.images import Images
from search.run_folder.images_disk import ImagesDisk
from search.run_folder.paths import RunFolder

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Experiment:
    """A run's configuration and data.

    Attributes:
        pixels: uint8 [n, *image_size, 3], mapped from disk as far as they are prepared.
        image_size: (height, width) of `pixels`.
        targets: int32 [n], class numbers.
        train, validation, test: int64 row numbers into both.
        class_names: class names, in the order of class numbers.
        class_counts: images of each class to train and to validate on, in a part too.
        groups: int64 [n], equal for copies of one image; None where the images to validate on
            were not drawn from those to train on, but given.
        files: path of the prepared pixels of each size.
        originals: that images are decoded from which are not prepared.
        disk: what prepared images and features may take.
    """

    run: RunFolder
    config: RunConfig
    pixels: ImageRows
    image_size: tuple[int, int]
    targets: NDArray[np.int32]
    train: Rows
    validation: Rows
    test: Rows
    class_names: tuple[str, ...]
    class_counts: tuple[int, ...]
    groups: Rows | None
    files: Mapping[tuple[int, int], Path]
    originals: Originals
    disk: ImagesDisk = ImagesDisk()

    @property
    def num_classes(self) -> int:
        """Number of classes; 2 means one sigmoid unit."""
        return len(self.class_names)

    @property
    def features(self) -> Path:
        """Folder of the features of backbones, shared by all runs on these pixels."""
        return self.files[self.image_size].with_suffix(".features")

    @cached_property
    def classifier(self) -> Any:
        """The hypermodel (`models.hypermodel.ImageClassifier`) of this run.

        Raises:
            TuneError, ModelError: the code of a family of the user's cannot be run.
        """
        if self.config.own_families:
            from search.run_folder.own_families import load_families

            load_families(self.run, self.config)
        return classifier_of(self.config, self.class_counts)

    def representative(self) -> NDArray[np.uint8]:
        """Up to 200 of the images to train on, spread over all: uint8 [n, *image_size, 3]."""
        picks = np.linspace(0, len(self.train) - 1, min(200, len(self.train)))
        return np.asarray(self.pixels[self.train[picks.astype(int)]])

    def seen_by(self, values: Mapping[str, Any]) -> "Experiment":
        """The same with the pixels of the size that a configuration takes.

        Raises:
            DataGoneError: they are not there any more.
        """
        image_size = self.classifier.image_size_of(values)
        if image_size == self.image_size:
            return self
        pixels = _pixels(self.run, self.files[image_size], image_size, self.originals)
        return replace(self, image_size=image_size, pixels=pixels)

    def prepared(self) -> dict[tuple[int, int], int]:
        """How many images of each size are prepared; the others are decoded as they are needed.

        Raises:
            DataGoneError: those of a size are not there any more.
        """
        return {size: len(_mapped(self.run, path, size)) for size, path in self.files.items()}

    def part(self, images: int | None) -> "Experiment":
        """The same with the first so many images to train on, and as many to validate on.

        Both are taken in an order that follows from the seed, in which every class begins early
        and has its share: a larger part holds the smaller one.
        """
        if images is None:
            return self
        seed = self.config.seed
        return replace(
            self,
            train=_spread(self.train, self.targets, seed)[:images],
            validation=_spread(self.validation, self.targets, seed)[:images],
        )

    @classmethod
    def load(cls, run: RunFolder, config: RunConfig | None = None) -> "Experiment":
        """Read a run's folder.

        Args:
            run: its data is written.
            config: of the run, where that is not written yet.

        Raises:
            TuneError: a file is missing or broken; DataGoneError where it is that of the pixels.
        """
        data = DataSummary.load(run)
        splits = load_splits(run)
        config = config or RunConfig.load(run)
        paths = map(Path, (data.pixels, *(data.other_pixels or ())))
        files = dict(zip(config.prepared_sizes, paths, strict=True))
        targets, num_classes = load_targets(run), len(data.class_names)
        originals = Originals(partial(_files, run), config.resize_mode)
        return cls(
            run=run,
            config=config,
            pixels=_pixels(run, files[config.image_size], config.image_size, originals),
            image_size=config.image_size,
            targets=targets,
            class_names=tuple(data.class_names),
            class_counts=class_counts(targets, splits, num_classes=num_classes),
            groups=_groups(run, data),
            files=files,
            originals=originals,
            disk=ImagesDisk.of(data.disk, config),
            train=splits.train,
            validation=splits.validation,
            test=splits.test,
        )


def _pixels(
    run: RunFolder, path: Path, image_size: tuple[int, int], originals: Originals
) -> ImageRows:
    pixels = _mapped(run, path, image_size)
    images = DataSummary.load(run).images
    return pixels if len(pixels) == images else PartlyPrepared(pixels, images, originals)


def _mapped(run: RunFolder, path: Path, image_size: tuple[int, int]) -> NDArray[np.uint8]:
    try:
        return PreparedPixels(largest_there(path), image_size, "").open()
    except (OSError, ValueError, EOFError) as error:
        raise DataGoneError(
            f"{path}: the prepared images are gone or damaged; "
            f"'tune run --resume {run.argument}' makes them again"
        ) from error


def _files(run: RunFolder) -> OriginalFiles:
    images = Images.load(run)
    return OriginalFiles(images.root, images.paths, images.pixel_hashes, images.content_hashes)


def _groups(run: RunFolder, data: DataSummary) -> Rows | None:
    drawn = data.given is not None and "validation" not in data.given
    return load_groups(run) if drawn else None


def classifier_of(config: RunConfig, counts: Sequence[int]) -> Any:
    """Make the hypermodel (`models.hypermodel.ImageClassifier`) of a run.

    Args:
        config: of the run.
        counts: images of each class to train and to validate on.
    """
    from models.hypermodel import ImageClassifier

    return ImageClassifier(
        families=config.families,
        backbones=config.backbones,
        image_size=config.image_size,
        num_classes=len(counts),
        compact=config.compact,
        weights=config.weights,
        backbone_sizes=config.backbone_sizes,
        largest_side=config.largest_side,
        class_counts=tuple(counts) if are_unequal(counts) else (),
    )


def _spread(rows: Rows, targets: NDArray[np.int32], seed: int) -> Rows:
    """Order rows so that the i-th of the n images of a class comes at the share i / n of all."""
    rows = np.random.default_rng(seed).permutation(np.sort(rows))
    places = np.empty(len(rows))
    for label in np.unique(targets[rows]):
        of_class = targets[rows] == label
        places[of_class] = np.arange(of_class.sum()) / of_class.sum()
    return rows[np.argsort(places, kind="stable")]
