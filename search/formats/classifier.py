"""Classify with an exported file of any format: `tune predict`, `tune evaluate`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.errors import TuneError
from search.formats.format import Call, Format
from search.formats.registry import FORMATS
from search.inference.classifier import Classifier, load_classifier
from search.inference.labels_file import LabelsFile, read_labels
from search.process.printable import printable


def load_exported(model: str) -> Classifier:
    """Load a file that takes images of one size by its own runtime, anything else by Keras.

    Args:
        model: path of a .tflite or .onnx file beside its labels.json, or what
            `search.inference.classifier.load_classifier` takes.

    Raises:
        TuneError: no such model, one without its labels, or one that cannot be loaded.
        ModelError: the ImageNet weights cannot be had.
    """
    path = Path(model)
    rows = [row for row in FORMATS.values() if row.fixed_size and _suffix(row) == path.suffix]
    return _load(rows[0], path) if rows else load_classifier(model)


def _suffix(row: Format) -> str:
    return Path(row.file).suffix


@dataclass(frozen=True)
class _File:
    """A file as `search.inference.classifier.Classifier` calls a model."""

    call: Call

    def predict_on_batch(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self.call(images)


def _load(row: Format, path: Path) -> Classifier:
    labels = read_labels(path.with_name("labels.json"))
    try:
        call = row.open(path)
        _require_fitting(call, labels, path)
    except ImportError as error:
        raise TuneError(
            f"{printable(path)}: needs {error.name}; "
            f"install with: pip install 'image-tune[{row.extra}]'"
        ) from error
    except TuneError:
        raise
    except Exception as error:  # runtimes raise anything
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise TuneError(
            f"{printable(path)}: is no {row.title} file that can be used "
            f"({printable(reason[:160])}); expected one that 'tune export-best' wrote"
        ) from error
    return Classifier(
        _File(call), labels.class_names, labels.image_size, labels.resize_mode, labels.threshold
    )


def _require_fitting(call: Call, labels: LabelsFile, path: Path) -> None:
    """Try the file on one image of the size that the labels name; a runtime refuses another."""
    answer = call(np.zeros((1, *labels.image_size, 3), np.uint8))
    if answer.shape != (1, len(labels.class_names)):
        raise TuneError(
            f"{printable(path)}: gives {list(answer.shape[1:])} numbers per image, and labels.json "
            f"names {len(labels.class_names)} classes; copy both from one export"
        )
