"""Read and check the labels.json of an exported model: classes, size and shape of images."""

import json
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_pipeline.pixels.resize_mode import RESIZE_MODES, ResizeMode
from search.errors import TuneError
from search.process.printable import printable

MAX_BYTES = 16 * 2**20  # the file may come from anybody: read no more than this into memory
_SIDES = range(8, 4097)


@dataclass(frozen=True)
class LabelsFile:
    """The content of a labels.json.

    Attributes:
        class_names: in the order of the model's outputs.
        image_size: (height, width) in pixels of prepared images.
        resize_mode: how an image of another shape was made to fit.
        threshold: confidence below which the model is unsure, 0 to 1; 0 if it never is.
    """

    class_names: tuple[str, ...]
    image_size: tuple[int, int]
    resize_mode: ResizeMode
    threshold: float = 0.0


def read_labels(path: Path) -> LabelsFile:
    """Read and check a labels.json.

    Raises:
        TuneError: it is missing, or not what `tune export-best` writes.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
            raise ValueError("not a regular file of bearable size")
        values = _of_this_version(json.loads(path.read_bytes()))
        if problem := _problem(values):
            raise ValueError(problem)
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:200]
        raise TuneError(
            f"{printable(path)}: {reason}; expected the labels.json that 'tune export-best' writes "
            "beside its model.keras; copy both together"
        ) from error
    height, width = values["image_size"]
    return LabelsFile(
        tuple(values["labels"]),
        (height, width),
        values["resize_mode"],
        values.get("threshold") or 0.0,
    )


def _of_this_version(values: Any) -> Any:
    """An export of an older version says whether the middle was cut out, and nothing of bars."""
    if not isinstance(values, dict) or type(values.get("crop_to_aspect_ratio")) is not bool:
        return values
    return {"resize_mode": "crop" if values["crop_to_aspect_ratio"] else "squeeze"} | values


def _problem(values: Any) -> str:
    if not isinstance(values, dict):
        return "not a JSON object"
    names = values.get("labels")
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        return "'labels' is no list of names"
    if len(names) < 2 or len(set(names)) < len(names):
        return "'labels' must hold two names or more, each once"
    size = values.get("image_size")
    if not isinstance(size, list) or len(size) != 2 or not all(_is_side(side) for side in size):
        return "'image_size' is no [height, width] of 8 to 4096 pixels"
    if values.get("resize_mode") not in RESIZE_MODES:
        return f"'resize_mode' is none of {', '.join(RESIZE_MODES)}"
    return _problem_of_threshold(values.get("threshold"))


def _problem_of_threshold(value: Any) -> str:
    if value is None or (type(value) in (int, float) and 0 <= value <= 1):
        return ""
    return "'threshold' is no number from 0 to 1"


def _is_side(value: Any) -> bool:
    return type(value) is int and value in _SIDES
