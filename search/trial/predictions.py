"""Predict rows of prepared images, or of their features, with a model in memory."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_pipeline.pixels.image_rows import ImageRows
from search.evaluation.metrics import two_columns

Told = Callable[[], None]

EVALUATION_BATCH = 64  # images per step; limited by memory


def nobody() -> None:
    """Tell nobody."""


def predict_rows(
    model: Any,
    pixels: ImageRows,
    rows: NDArray[np.int64],
    told: Told = nobody,
) -> NDArray[np.float32]:
    """Class probabilities of prepared images, or of their features: float32 [rows, classes].

    Every batch has one size, the last filled up with the first images: one traced step. `told` is
    called after each batch.
    """
    count, blocks = len(rows), range(0, len(rows), EVALUATION_BATCH)
    batches = (rows[np.arange(i, i + EVALUATION_BATCH) % count] for i in blocks)
    # Batch by batch: setting up `predict` takes longer than a few hundred images do.
    probabilities = []
    for batch in batches:
        probabilities.append(model.predict_on_batch(pixels[batch]))
        told()
    return two_columns(np.concatenate(probabilities)[:count]).astype(np.float32)
