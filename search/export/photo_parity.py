"""Check that the exported model, which resizes photos itself, answers as to prepared pixels.

The gate before it (`search.formats.parity`) gives images that need no resizing; here the
user's own files go in as they are.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_pipeline.decoding.decode import read_upright
from data_pipeline.errors import DataError
from search.errors import TuneError
from search.process.printable import printable
from search.run_folder.images import Images
from search.trial.experiment import Experiment

PHOTOS = 40
# The two resizes round a few values in 100,000 to the neighbouring level.
DIFFERENCE = 0.02
# A user may have edited a photo since; a wrong resize changes nearly all answers.
MAY_DIFFER = 0.1


@dataclass(frozen=True)
class PhotoParity:
    """How the model answers to photo files, against the pixels prepared of them.

    Attributes:
        photos: files compared; those gone since are passed over.
        difference: of a probability, the largest.
        changed: files whose answers differ by more than rounding explains.
    """

    photos: int
    difference: float
    changed: int


def check_photos(
    experiment: Experiment,
    finished: Any,
    rows: NDArray[np.int64],
    expected: NDArray[np.float32],
) -> PhotoParity:
    """Compare the answers of a model that resizes with those to pixels that are resized.

    Args:
        experiment: the run.
        finished: images of any size -> probabilities.
        rows: of the images, 40 of which are compared, spread over all.
        expected: float32 [rows, classes], from the prepared pixels.

    Raises:
        TuneError: more than a tenth of the answers differ.
    """
    import tensorflow as tf

    images = Images.load(experiment.run)
    # Traced once for all sizes: layer by layer, a network takes several times as long.
    photo_of_any_size = tf.TensorSpec((1, None, None, 3), tf.float32)
    answers = tf.function(
        lambda photo: finished(photo, training=False),
        input_signature=[photo_of_any_size],
        autograph=False,
    )
    differences: dict[str, float] = {}
    # Rows are in the order of class names: the first 40 would be of one class.
    picks = np.linspace(0, len(rows) - 1, min(PHOTOS, len(rows))).astype(int)
    for row, answer in zip(rows[picks], expected[picks], strict=True):
        path = images.root / images.paths[row]
        try:
            photo = read_upright(path)
        except DataError:
            continue  # gone or broken since, which is no fault of the model
        # One at a time: photos differ in size.
        probabilities = answers(photo[np.newaxis].astype(np.float32)).numpy()[0]
        differences[str(path)] = float(np.abs(probabilities - answer).max())
    # `not … <=` and not `>`: a comparison with NaN is false, and NaN must count as changed.
    changed = [path for path, difference in differences.items() if not difference <= DIFFERENCE]
    # Where no photo can be read any more, there is nothing to compare, and nothing is refused.
    if len(changed) > MAY_DIFFER * len(differences):
        raise TuneError(
            f"the exported model answers differently to {len(changed)} of {len(differences)} "
            f"photos than the search did, such as {printable(changed[0])}; if they were changed "
            "since, start a new run, else do not use this export"
        )
    return PhotoParity(len(differences), max(differences.values(), default=0.0), len(changed))
