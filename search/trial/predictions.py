"""Predict rows of prepared images, or of their features, with a model in memory."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_pipeline.pixels.image_rows import ImageRows
from search.evaluation.metrics import two_columns

EVALUATION_BATCH = 64  # images per step; limited by memory


def predict_rows(model: Any, pixels: ImageRows, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Class probabilities of prepared images, or of their features: float32 [rows, classes].

    Every batch has one size, the last filled up with the first images: one traced step.
    """
    count, blocks = len(rows), range(0, len(rows), EVALUATION_BATCH)
    batches = (rows[np.arange(i, i + EVALUATION_BATCH) % count] for i in blocks)
    # Batch by batch: setting up `predict` takes longer than a few hundred images do.
    probabilities = [model.predict_on_batch(pixels[batch]) for batch in batches]
    return two_columns(np.concatenate(probabilities)[:count]).astype(np.float32)
