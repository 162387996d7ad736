"""Test a model on the images that the search never saw, and count how often that is done."""

from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.errors import TuneError
from search.evaluation.calibration import answered, with_temperature
from search.evaluation.metrics import expected_calibration_error, measure
from search.export.slices import by_slice
from search.process.atomic_files import read_object, write_json
from search.run_folder.exported.metrics import HeldOutFigures
from search.run_folder.images import Images
from search.trial.experiment import Experiment
from search.trial.predictions import predict_rows


class Tested(NamedTuple):
    """What the test images showed.

    Attributes:
        figures: of the model on them.
        predictions: float32 [test images, classes].
    """

    figures: HeldOutFigures
    predictions: NDArray[np.float32]


def open_test_set(
    experiment: Experiment, model: Any, *, temperature: float, threshold: float | None
) -> Tested:
    """Measure a model on the test images: accuracy with its 95 % interval, calibration, slices.

    How often they were looked at is counted in the run folder: each further look makes the
    number a little less honest, and a reader should know.

    Args:
        experiment: the run.
        model: as it will be exported, its logits divided by `temperature`.
        temperature: what they were divided by.
        threshold: confidence from which it answers; None for always.
    """
    # Counted first: who interrupts after a look has looked.
    opened = _count(experiment)
    targets = experiment.targets[experiment.test]
    probabilities = predict_rows(model, experiment.pixels, experiment.test)
    # The temperature is inside the model: dividing by its inverse takes it out again.
    uncalibrated = with_temperature(probabilities, 1 / temperature)
    right = probabilities.argmax(axis=1) == targets
    figures = HeldOutFigures(
        **vars(measure(probabilities, targets, experiment.class_names)),
        test_set_opened=opened,
        ece_uncalibrated=expected_calibration_error(uncalibrated, targets),
        slices=by_slice(experiment, Images.load(experiment.run), experiment.test, right),
        abstain=(
            None if threshold is None else answered(probabilities, targets, threshold=threshold)
        ),
    )
    return Tested(figures, probabilities)


def _count(experiment: Experiment) -> int:
    file = experiment.run.path / "lock_box.json"
    # Two files know it: with one of them lost, the count does not begin again.
    opened = 1 + max(_number(file, "opened"), _number(experiment.run.metrics, "lock_box_opened"))
    write_json(file, {"opened": opened})
    return opened


def _number(file: Path, key: str) -> int:
    """A count in a JSON file; 0 where the file is missing or damaged."""
    with suppress(TuneError):
        value = read_object(file).get(key)
        return value if type(value) is int else 0
    return 0
