"""Load what a trial needs from a run's folder: configuration, pixels, splits.

A worker is given a folder and a record, both plain values; this turns the folder into arrays
and a hypermodel, so that a trial runs the same in any process on any machine that sees it.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_pipeline.pixels.prepared import PreparedPixels
from search.run_folder.config import RunConfig
from search.run_folder.data import load_splits
from search.run_folder.data_summary import DataSummary
from search.run_folder.paths import RunFolder


@dataclass(frozen=True)
class Experiment:
    """A run's configuration and data.

    Attributes:
        pixels: uint8 [n, height, width, 3], mapped from disk.
        targets: int32 [n], class numbers.
        train, validation, test: int64 row numbers into both.
        class_names: class names, in the order of class numbers.
        features: folder of the features of backbones, shared by all runs on these pixels.
    """

    run: RunFolder
    config: RunConfig
    pixels: NDArray[np.uint8]
    targets: NDArray[np.int32]
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    class_names: tuple[str, ...]
    features: Path

    @property
    def num_classes(self) -> int:
        """Number of classes; 2 means one sigmoid unit."""
        return len(self.class_names)

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
        data = DataSummary.load(run)
        splits = load_splits(run)
        config = RunConfig.load(run)
        pixels = Path(data.pixels)
        return cls(
            run=run,
            config=config,
            pixels=PreparedPixels(pixels, config.image_size, "").open(),
            targets=np.load(run.targets, allow_pickle=False),
            class_names=tuple(data.class_names),
            features=pixels.with_suffix(".features"),
            train=splits.train,
            validation=splits.validation,
            test=splits.test,
        )
