"""Classify images with an exported model, and measure it: `tune predict`, `tune evaluate`."""

import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_pipeline.pixels.resize_mode import ResizeMode
from search.errors import TuneError
from search.inference.labels_file import read_labels
from search.inference.model_file import load_model_file
from search.process.printable import printable
from search.process.quiet import import_tensorflow
from search.process.wording import in_percent

BATCH = 32  # images predicted together; bounds the memory


@dataclass(frozen=True)
class InputFile:
    """A file to classify; `problem` says why it must not be opened, "" if it may."""

    path: Path
    problem: str = ""


@dataclass(frozen=True)
class Prediction:
    """What a model predicts for one file.

    Attributes:
        path: the file.
        probabilities: label → probability, most likely first; empty if it could not be read.
        error: why it could not be read; empty if it could.
        unsure: whether the highest probability is below the threshold of the model.
        unlike: whether the image is unlike the training images; None where that was not checked.
    """

    path: Path
    probabilities: dict[str, float] = field(default_factory=dict)
    error: str = ""
    unsure: bool = False
    unlike: bool | None = None

    def line(self) -> str:
        """Say it in a line: `photo.jpg  cat 84.3 %, dog 15.7 %`, five classes at most.

        With `unsure: ` before them if it is unsure.
        """
        name = printable(self.path)
        if self.error:
            return f"{name}  error: {self.error}"
        likeliest = itertools.islice(self.probabilities.items(), 5)
        shares = ", ".join(f"{printable(label)} {in_percent(p)}" for label, p in likeliest)
        far = " (unlike the training images)" if self.unlike else ""
        return f"{name}  {'unsure: ' if self.unsure else ''}{shares}{far}"

    def row(self) -> dict[str, Any]:
        """Return the row for `--json`; an unsure answer has no label."""
        label = None if self.unsure else next(iter(self.probabilities), None)
        checked = {} if self.unlike is None else {"unlike": self.unlike}
        return {
            "path": os.fspath(self.path),
            "label": label,
            "probabilities": self.probabilities,
            "unsure": self.unsure,
            "error": self.error or None,
            **checked,
        }


@dataclass(frozen=True)
class Classifier:
    """A loaded model: takes raw pixels 0–255, gives one probability per class.

    Attributes:
        threshold: the least probability that is an answer; 0 for always.
    """

    model: Any
    class_names: tuple[str, ...]
    image_size: tuple[int, int]
    resize_mode: ResizeMode
    threshold: float = 0.0

    def predict(self, files: Sequence[InputFile]) -> Iterator[Prediction]:
        """Predict each file, in order; a file that cannot be read does not stop the others."""
        from data_pipeline.pixels.reading import read_images

        images = read_images(
            [file.path for file in files if not file.problem],
            image_size=self.image_size,
            resize_mode=self.resize_mode,
        )
        waiting = iter(files)
        while batch := list(itertools.islice(waiting, BATCH)):
            # `images` holds only the files that were opened, in the same order.
            read = [(None, file.problem) if file.problem else next(images) for file in batch]
            pixels = [image for image, _ in read if image is not None]
            rows = iter(self.probabilities(np.stack(pixels)) if pixels else ())
            for file, (image, error) in zip(batch, read, strict=True):
                if image is None:
                    yield Prediction(file.path, error=error)
                else:
                    yield self.to_prediction(file.path, next(rows))

    def probabilities(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Compute probabilities, float32 [n, classes], of uint8 [n, height, width, 3]."""
        return np.asarray(self.model.predict_on_batch(pixels), np.float32)

    def to_prediction(self, path: Path, row: NDArray[np.float32]) -> Prediction:
        """Turn one row of probabilities, float32 [classes], into the prediction for a file."""
        if not np.isfinite(row).all():
            return Prediction(path, error="the model's answer is no number")
        order = np.argsort(-row, kind="stable")
        shares = {self.class_names[k]: float(row[k]) for k in order}
        return Prediction(path, shares, unsure=float(row.max()) < self.threshold)


def load_classifier(model: str) -> Classifier:
    """Load an exported folder or `.keras` file, or `imagenet:BACKBONE` as it is.

    Raises:
        TuneError: no such model, or one without its labels.
        ModelError: the ImageNet weights cannot be had.
    """
    import_tensorflow()
    if model.startswith("imagenet:"):
        return _load_imagenet(model.removeprefix("imagenet:"))
    return _load_exported(Path(model))


def _load_exported(path: Path) -> Classifier:
    path = path / "model.keras" if path.is_dir() else path
    beside = path.with_name("labels.json")
    loaded = load_model_file(path)
    labels_file = read_labels(beside)
    if loaded.output_shape[1] != len(labels_file.class_names):
        raise TuneError(
            f"{printable(beside)}: names {len(labels_file.class_names)} classes, and "
            f"{printable(path)} gives {loaded.output_shape[1]}; copy both from one export"
        )
    if (size := _resized_to(loaded)) != labels_file.image_size:
        raise TuneError(
            f"{printable(beside)}: says that images are {labels_file.image_size}, and "
            f"{printable(path)} resizes them to {size}; copy both from one export"
        )
    return Classifier(
        loaded,
        labels_file.class_names,
        labels_file.image_size,
        labels_file.resize_mode,
        labels_file.threshold,
    )


def _resized_to(model: Any) -> tuple[int, int] | None:
    """(height, width) to which an exported model resizes images; None where it does not."""
    from keras.layers import Resizing

    sizes = [(each.height, each.width) for each in model.layers if isinstance(each, Resizing)]
    return sizes[0] if sizes else None


def _load_imagenet(name: str) -> Classifier:
    from models.pretrained.backbones import BACKBONES
    from models.pretrained.imagenet import imagenet_class_names
    from models.pretrained.networks import imagenet_classifier

    if name not in BACKBONES:
        raise TuneError(f"imagenet:{name}: no such backbone; there are {', '.join(BACKBONES)}")
    size = BACKBONES[name].image_size
    return Classifier(imagenet_classifier(name), imagenet_class_names(), (size, size), "crop")


def input_files(paths: Sequence[Path]) -> list[InputFile]:
    """List the files to classify: files as given, folders as all files below them, sorted.

    Hidden files and files of the system are left out.

    Raises:
        TuneError: a path does not exist, or there is no file at all.
    """
    from data_pipeline.listing.folder_files import files_below

    files: list[InputFile] = []
    for path in paths:
        if not os.path.lexists(path):
            raise TuneError(f"{printable(path)}: no such file or folder")
        if path.is_dir():
            files += [InputFile(path / file.path, file.problem) for file in files_below(path)]
        else:
            files.append(InputFile(path))
    if not files:
        where = f"{', '.join(map(printable, paths))}: no files there" if paths else "no paths given"
        raise TuneError(where)
    return files
