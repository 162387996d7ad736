"""Measure how accurate a model is on kinds of images: dark, blurry, small, each file format."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_pipeline.pixels.image_rows import ImageRows
from search.evaluation.intervals import wilson_interval
from search.run_folder.exported.metrics import Slice
from search.run_folder.images import Images
from search.trial.experiment import Experiment

TENTH = 0.1
BLOCK = 64  # images in memory together
SAMPLE = 5_000  # images by which it is decided what is dark or blurry for this run
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as Pillow's grey


def by_slice(
    experiment: Experiment, images: Images, rows: NDArray[np.int64], right: NDArray[np.bool_]
) -> tuple[Slice, ...]:
    """Measure accuracy, with its 95 % interval, on slices of the images that were tested.

    Dark, blurry and small are the lowest tenth of the run's training images.

    Args:
        experiment: the run.
        images: what the catalog knew of them.
        rows: row numbers of the images tested.
        right: whether the model was right, for each of them.

    Returns:
        The slices that have an image.
    """
    slices = []
    for name, inside in _slices(experiment, images, rows):
        count, correct = int(inside.sum()), int(right[inside].sum())
        if count:
            interval = wilson_interval(correct, count)
            slices.append(
                Slice(name=name, images=count, accuracy=correct / count, interval=interval)
            )
    return tuple(slices)


def _slices(
    experiment: Experiment, images: Images, rows: NDArray[np.int64]
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    spread = np.linspace(0, len(experiment.train) - 1, min(SAMPLE, len(experiment.train)))
    training_rows = experiment.train[spread.astype(int)]
    areas = images.sizes.astype(np.int64).prod(axis=1)
    of_test, of_training = (looks(experiment.pixels, each) for each in (rows, training_rows))
    for name, in_test, in_training in (
        ("dark", of_test.brightness, of_training.brightness),
        ("blurry", of_test.sharpness, of_training.sharpness),
        ("small", areas[rows], areas[training_rows]),
    ):
        limit = np.quantile(in_training, TENTH)
        if limit < np.median(in_training):  # else they are all alike in this
            yield name, in_test <= limit
    formats = np.array(images.formats)[rows]
    for name in sorted(set(images.formats)):
        yield name, formats == name


class Looks(NamedTuple):
    """How images look, float64 [images] each.

    Attributes:
        brightness: mean luma, 0 to 255.
        sharpness: variance of the Laplacian, small where an image is blurry. Pech-Pacheco et al.
            2000, "Diatom autofocusing in brightfield microscopy".
    """

    brightness: NDArray[np.float64]
    sharpness: NDArray[np.float64]


def looks(pixels: ImageRows, rows: NDArray[np.int64]) -> Looks:
    """Look at images of which all may be larger than the memory."""
    found = []
    for start in range(0, len(rows), BLOCK):
        for image in pixels[rows[start : start + BLOCK]]:
            grey = image @ _LUMA
            found.append((float(grey.mean()), float(_laplacian(grey).var())))
    return Looks(*np.array(found, np.float64).reshape(-1, 2).T)


def _laplacian(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    middle = grey[1:-1, 1:-1]
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return around - 4 * middle
