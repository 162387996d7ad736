"""`tune predict` and `tune evaluate`: an exported model on pictures it has not seen."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.errors import TuneError
from search.export import measure
from search.quiet import import_tensorflow
from search.store import read_json

BATCH = 32  # pictures decoded and predicted together; bounds the memory


@dataclass(frozen=True)
class Prediction:
    """What a model says of one file.

    Attributes:
        path: the file.
        probabilities: label → probability, most likely first; empty if it could not be read.
        error: why it could not be read; empty if it could.
    """

    path: Path
    probabilities: dict[str, float] = field(default_factory=dict)
    error: str = ""

    def line(self) -> str:
        """`photo.jpg  cat 84.3 %, dog 15.7 %`; the five likeliest where there are many."""
        if self.error:
            return f"{self.path}  error: {self.error}"
        likeliest = list(self.probabilities.items())[:5]
        return f"{self.path}  " + ", ".join(f"{label} {p * 100:.1f} %" for label, p in likeliest)

    def row(self) -> dict[str, Any]:
        """For `--json`."""
        label = next(iter(self.probabilities), None)
        return {
            "path": str(self.path),
            "label": label,
            "probabilities": self.probabilities,
            "error": self.error or None,
        }


@dataclass(frozen=True)
class Classifier:
    """A loaded model: raw 0–255 pixels in, one probability a label out."""

    model: Any
    labels: tuple[str, ...]
    image_size: tuple[int, int]
    crop_to_aspect_ratio: bool

    def predict(self, paths: Sequence[Path]) -> Iterator[Prediction]:
        """One prediction a file, in order; a file that cannot be read does not stop the rest."""
        for start in range(0, len(paths), BATCH):
            some = paths[start : start + BATCH]
            read = [self._read(path) for path in some]
            pixels = [pixels for pixels, _ in read if pixels is not None]
            rows = iter(self.probabilities(np.stack(pixels)) if pixels else ())
            for path, (picture, error) in zip(some, read, strict=True):
                if picture is None:
                    yield Prediction(path, error=error)
                else:
                    yield Prediction(path, self._named(next(rows)))

    def probabilities(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """float32 [n, classes] for uint8 [n, height, width, 3]."""
        return np.asarray(self.model.predict_on_batch(pixels), np.float32)

    def _read(self, path: Path) -> tuple[NDArray[np.uint8] | None, str]:
        """The upright picture at the model's size, as prepared for training; or why not."""
        from data_pipeline.decode import read_upright
        from data_pipeline.errors import DataError
        from data_pipeline.resize import resize

        try:
            picture = read_upright(path)
        except DataError as error:
            return None, str(error).removeprefix(f"{path}: ")
        crop = self.crop_to_aspect_ratio
        return resize(picture, self.image_size, crop_to_aspect_ratio=crop), ""

    def _named(self, row: NDArray[np.float32]) -> dict[str, float]:
        order = np.argsort(-row, kind="stable")
        return {self.labels[k]: float(row[k]) for k in order}


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
    if not path.is_file() or path.suffix != ".keras":
        raise TuneError(
            f"{path}: expected a .keras file that 'tune export-best' wrote, or its folder"
        )
    about = read_json(path.with_name("labels.json"))
    import keras

    try:
        loaded = keras.models.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise TuneError(f"{path}: not a model that can be loaded ({error})") from error
    return Classifier(
        model=loaded,
        labels=tuple(about["labels"]),
        image_size=tuple(about["image_size"]),
        crop_to_aspect_ratio=bool(about["crop_to_aspect_ratio"]),
    )


def _load_imagenet(name: str) -> Classifier:
    from models.backbones import BACKBONES, imagenet_classifier
    from models.imagenet import imagenet_labels

    if name not in BACKBONES:
        raise TuneError(f"imagenet:{name}: no such backbone; there are {', '.join(BACKBONES)}")
    size = BACKBONES[name].image_size
    return Classifier(imagenet_classifier(name), imagenet_labels(), (size, size), True)


def pictures_in(paths: Iterable[Path]) -> list[Path]:
    """Files as given; folders as all files below them, sorted, hidden ones left out.

    Raises:
        TuneError: a path does not exist, or there is no file at all.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise TuneError(f"{path}: no such file or folder")
        if path.is_dir():
            found += sorted(
                file for file in path.rglob("*") if file.is_file() and not file.name.startswith(".")
            )
        else:
            found.append(path)
    if not found:
        raise TuneError(f"{', '.join(map(str, paths))}: no files there")
    return found


def evaluate_folder(classifier: Classifier, data: Path, **preparing: Any) -> dict[str, Any]:
    """Accuracy with its interval, AUC and confusion matrix on a folder of labelled pictures.

    Args:
        preparing: `cache_dir` and `progress`, as `data_pipeline.prepare.prepare` takes them.

    Raises:
        TuneError: the folder has classes that the model does not know.
    """
    from data_pipeline.prepare import prepare

    catalog, prepared = prepare(
        data,
        image_size=classifier.image_size,
        crop_to_aspect_ratio=classifier.crop_to_aspect_ratio,
        **preparing,
    )
    if unknown := set(catalog.labels) - set(classifier.labels):
        raise TuneError(
            f"{data}: has classes that the model does not know: {', '.join(sorted(unknown))}; "
            f"it knows {', '.join(classifier.labels)}"
        )
    numbers = np.array([classifier.labels.index(label) for label in catalog.labels])
    pixels = prepared.open()
    rows = [
        classifier.probabilities(np.asarray(pixels[start : start + BATCH]))
        for start in range(0, len(pixels), BATCH)
    ]
    return measure(np.concatenate(rows), numbers[catalog.targets], classifier.labels) | {
        "set_aside": len(catalog.entries) - len(catalog.kept)
    }
