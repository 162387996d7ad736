"""Collect images for the report: samples of each class, what is left of files set aside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_pipeline.pixels.thumbnails import remains, thumbnails
from search.errors import TuneError
from search.process.atomic_files import read_json
from search.run_folder.data import Images, load_splits, load_targets
from search.run_folder.paths import RunFolder

SIDE = 144  # pixels of the longer side
PER_CLASS = 6  # samples
CLASSES = 20  # classes that are shown
BROKEN = 24  # files set aside that are shown


@dataclass(frozen=True)
class SetAside:
    """A file that was not used.

    Attributes:
        path: relative to the folder of the data.
        reason: why not.
        remains: JPEG of what can still be seen of it; b"" for nothing.
    """

    path: str
    reason: str
    remains: bytes = b""


def class_samples(run: RunFolder, class_names: Sequence[str]) -> dict[str, list[bytes]]:
    """Read a few training images of each of the first classes, as JPEG.

    Raises:
        TuneError: the run's folder lacks what older versions did not write.
    """
    images, rows = Images.load(run), load_splits(run).train
    targets = load_targets(run)[rows]
    chosen = {}
    for number, label in enumerate(class_names[:CLASSES]):
        of_label = rows[targets == number]
        spread = np.linspace(0, len(of_label) - 1, min(PER_CLASS, len(of_label))).astype(int)
        chosen[label] = [images.root / images.paths[row] for row in of_label[spread]]
    # All in one call: the images of all classes are read at the same time.
    jpegs = iter(thumbnails([path for paths in chosen.values() for path in paths], side=SIDE))
    of_class = {label: [next(jpegs) for _ in paths] for label, paths in chosen.items()}
    return {label: [jpeg for jpeg in read if jpeg] for label, read in of_class.items()}


def excluded(run: RunFolder, *, images: bool) -> list[SetAside]:
    """List the files that were not used; none where an older version did not write them down.

    Args:
        run: the run.
        images: whether to look for what remains of the first of them.
    """
    if not run.excluded.exists():
        return []
    files: list[dict[str, Any]] = read_json(run.excluded)
    root = Images.load(run).root
    looked_at = files[:BROKEN] if images else []
    jpegs = remains([root / file["path"] for file in looked_at], side=SIDE)
    jpegs += [b""] * (len(files) - len(jpegs))
    return [
        SetAside(file["path"], file["reason"], jpeg)
        for file, jpeg in zip(files, jpegs, strict=True)
    ]


def require_images(run: RunFolder) -> None:
    """Raise TuneError where the user's images are no longer there to be shown."""
    root = Images.load(run).root
    if not root.is_dir():
        raise TuneError(f"{root}: the images of {run.name} are not there; give --no-pictures")
