"""Find the mistakes that a model was surest of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_pipeline.pixels.thumbnails import KnownFile

MOST = 12  # mistakes that are shown


@dataclass(frozen=True)
class Mistake:
    """An image that was taken for something else.

    Attributes:
        file: with the hash of its pixels.
        label, answer: what it is, and what it was taken for.
        share, share_of_label: probability of either, 0 to 1.
        image: JPEG; b"" where the file cannot be read.
        heat: PNG with transparency to lay over it: where the answer comes from; b"" for none.
    """

    file: KnownFile
    label: str
    answer: str
    share: float
    share_of_label: float
    image: bytes = b""
    heat: bytes = b""


def worst_mistakes(
    predictions: NDArray[np.float32],
    targets: NDArray[np.int32],
    *,
    files: Sequence[KnownFile],
    class_names: Sequence[str],
    most: int = MOST,
) -> list[Mistake]:
    """Choose the mistakes whose label had the least probability, the worst first.

    Args:
        predictions: float32 [n, classes].
        targets: int32 [n].
        files: of the n images.
        class_names: class names.
        most: how many at most.
    """
    answers = predictions.argmax(axis=1)
    of_label = predictions[np.arange(len(targets)), targets]
    wrong = np.flatnonzero(answers != targets)
    # Stable, so that images of equal probability stand in the same order in each report.
    worst = wrong[np.argsort(of_label[wrong], kind="stable")][:most]
    return [
        Mistake(
            file=files[k],
            label=class_names[targets[k]],
            answer=class_names[answers[k]],
            share=float(predictions[k, answers[k]]),
            share_of_label=float(of_label[k]),
        )
        for k in worst
    ]
