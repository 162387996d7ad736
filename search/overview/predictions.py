"""Read what the best model of a run predicts of images that it had not seen."""

import warnings

import numpy as np
from numpy.typing import NDArray

from search.errors import TuneError
from search.run_folder.data import load_predictions, load_splits
from search.run_folder.data_summary import DataSummary
from search.run_folder.paths import RunFolder
from search.run_folder.records import TrialRecord


def predictions_of(
    run: RunFolder, ranked: list[TrialRecord]
) -> tuple[bool, NDArray[np.float32], NDArray[np.int64]] | None:
    """Read what the exported model predicts of the test images, else the best of validation.

    Args:
        run: the run.
        ranked: its trials, best first.

    Returns:
        Whether it is the exported model; float32 [n, classes]; int64 [n], the rows of the images.
        None where there are no predictions.
    """
    splits, classes = load_splits(run), len(DataSummary.load(run).class_names)
    # Trials that failed have no predictions.
    written = [(run.test_predictions, splits.test)]
    written += [(run.predictions(record.trial_id), splits.validation) for record in ranked]
    for path, rows in written:
        if not path.exists():
            continue
        try:
            predictions = load_predictions(path)
        except TuneError as error:
            warnings.warn(str(error), stacklevel=2)
            continue
        if predictions.shape == (len(rows), classes):
            return path == run.test_predictions, predictions, rows
    return None
