"""Have a quantised file answer as surely as the model, and measure what comes of its answers.

Rounded numbers move confidences, mostly all in one direction: a threshold that was set for the
model would then hold for another share of the images.
"""

import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.families.head import divided_logits
from search.errors import TuneError
from search.evaluation.calibration import answered, closest_temperature
from search.formats.format import Call, Format, Source
from search.formats.measuring import Measured, measure_file
from search.formats.parity import Parity
from search.formats.write import write_format
from search.run_folder.exported.metrics import FileFigures
from search.selection.export_estimate import TESTED
from search.trial.experiment import Experiment

OWN_FROM = 1.02  # a temperature as far from 1 as this, or its inverse, is worth writing again


def as_sure(
    row: Format,
    source: Source,
    measured: Measured,
    folder: Path,
    images: NDArray[np.uint8],
    expected: NDArray[np.float32],
) -> Measured:
    """Write a quantised file again with a temperature of its own, where it is then closer.

    Args:
        row: its format.
        source: the model.
        measured: what its own runtime made of the file.
        folder: where it stands.
        images: uint8 [n, height, width, 3].
        expected: float32 [n, classes], what the model answers to them.

    Returns:
        What stands of the file that is there now.
    """
    answers = measured.probabilities
    if answers.shape != expected.shape or not np.isfinite(answers).all():
        return measured  # it is refused for that
    temperature = closest_temperature(answers, expected)
    if abs(math.log(temperature)) < math.log(OWN_FROM):
        return measured
    beside = folder / ".again"
    beside.mkdir()
    try:
        with divided_logits(source.model, temperature):
            path = write_format(source, row.name, beside)
        again = measure_file(row.name, path, images)
        closer = _distance(again.probabilities, expected) < _distance(answers, expected)
        if closer:
            path.replace(folder / row.file)
    except TuneError:  # the first one stands
        closer = False
    finally:
        shutil.rmtree(beside)
    return again if closer else measured


def _distance(answers: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    return float(np.abs(answers - expected).mean())


def opened(parities: list[Parity], folder: Path) -> dict[str, Call]:
    """Load the quantised files, by the name of their format.

    Before the test images are looked at: what cannot be loaded refuses the export.
    """
    return {
        parity.format.name: parity.format.open(folder / parity.format.file)
        for parity in parities
        if parity.format.quantised
    }


def file_figures(
    parity: Parity, call: Call | None, experiment: Experiment, *, threshold: float | None
) -> FileFigures:
    """The figures of a file, of a quantised one with what it answers to the test images.

    Any other file answers as the model does, whose figures they are then.

    Args:
        parity: of the file.
        call: the loaded file; None for one that is not quantised.
        experiment: the run.
        threshold: confidence from which the model answers; None for always.
    """
    if call is None:
        return parity.figures()
    picks = np.linspace(0, len(experiment.test) - 1, min(TESTED, len(experiment.test)))
    rows = experiment.test[picks.astype(int)]
    answers = call(experiment.pixels[rows])
    targets = experiment.targets[rows]
    right = float((answers.argmax(axis=1) == targets).mean())
    abstain = None if threshold is None else answered(answers, targets, threshold=threshold)
    return replace(parity.figures(), accuracy=right, abstain=abstain)
