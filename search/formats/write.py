"""Write a trained model in one of the formats."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.errors import TuneError
from search.formats.format import Format, Source
from search.formats.registry import FORMATS
from search.process.printable import printable
from search.process.quiet import silent
from search.trial.experiment import Experiment


def source_of(experiment: Experiment, model: Any, representative: NDArray[np.uint8]) -> Source:
    """Prepare a run's model for the writers.

    Args:
        experiment: the run, with pixels of the size that the model takes.
        model: prepared pixels -> probabilities.
        representative: uint8 [n, height, width, 3]; see `Source`.
    """
    from models.serving import with_preprocessing

    config = experiment.config
    finished = with_preprocessing(
        model,
        image_size=experiment.image_size,
        resize_mode=config.resize_mode,
        num_classes=experiment.num_classes,
    )
    return Source(model, finished, experiment.image_size, experiment.num_classes, representative)


def write_format(source: Source, name: str, folder: Path) -> Path:
    """Write one file or folder.

    Args:
        source: the model.
        name: a key of `FORMATS`.
        folder: where to write; it exists.

    Returns:
        What was written.

    Raises:
        TuneError: the model cannot be written in this form.
    """
    row = FORMATS[name]
    path = folder / row.file
    with silent():  # converters print
        if row.fixed_size:
            _converted(row, source, path)
        else:
            row.write(source, path)
    return path


def _converted(row: Format, source: Source, path: Path) -> None:
    try:
        row.write(source, path)
    except Exception as error:
        # Converters raise anything, and one that fails late may leave half a file.
        path.unlink(missing_ok=True)
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        safe = " and ".join(other.name for other in FORMATS.values() if not other.fixed_size)
        raise TuneError(
            f"{printable(path)}: this model cannot be written as {row.name} "
            f"({printable(reason[:120])}); export without it, --format {safe} can always be written"
        ) from error
