"""Collect images for the report: samples of each class, what is left of files set aside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_pipeline.pixels.thumbnails import KnownFile, remains, thumbnails
from search.errors import TuneError
from search.process.atomic_files import read_json
from search.run_folder.data import load_splits, load_targets
from search.run_folder.images import Images
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
        chosen[label] = [images.file(row) for row in of_label[spread]]
    # All in one call: the images of all classes are read at the same time.
    jpegs = iter(thumbnails([file for files in chosen.values() for file in files], side=SIDE))
    of_class = {label: [next(jpegs) for _ in files] for label, files in chosen.items()}
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
    if not isinstance(files, list) or not all(map(_is_row, files)):
        raise TuneError(
            f"{run.excluded}: not as tune writes it; "
            f"'tune run --resume {run.argument}' writes it anew"
        )
    root = Images.load(run).root
    looked_at = files[:BROKEN] if images else []
    known = [KnownFile(root / file["path"], file.get("content_hash", "")) for file in looked_at]
    jpegs = remains(known, side=SIDE)
    jpegs += [b""] * (len(files) - len(jpegs))
    return [
        SetAside(file["path"], file["reason"], jpeg)
        for file, jpeg in zip(files, jpegs, strict=True)
    ]


def require_images(run: RunFolder) -> None:
    """Raise TuneError where the user's images are no longer there to be shown, or not known."""
    images = Images.load(run)
    if not images.root.is_dir():
        raise TuneError(
            f"{images.root}: the images of {run.name} are not there; give --no-pictures"
        )
    if not all(images.pixel_hashes):
        raise TuneError(
            f"{run.images}: does not say by what each image is known, as an older version wrote "
            f"it; 'tune run --resume {run.argument}' writes it anew, or give --no-pictures"
        )


def _is_row(file: Any) -> bool:
    values = file if isinstance(file, dict) else {}
    return all(isinstance(values.get(name), str) for name in ("path", "reason"))
