"""Add to mistakes their images and the exported model's heat maps."""

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from data_pipeline.pixels.thumbnails import thumbnails
from search.errors import TuneError
from search.process.printable import printable
from search.process.quiet import import_tensorflow
from search.report.mistakes import Mistake
from search.run_folder.paths import RunFolder


def with_images(mistakes: Sequence[Mistake]) -> list[Mistake]:
    """Add a thumbnail to each mistake."""
    jpegs = thumbnails([mistake.file for mistake in mistakes])
    return [replace(m, image=jpeg) for m, jpeg in zip(mistakes, jpegs, strict=True)]


def with_heat(mistakes: Sequence[Mistake], run: RunFolder) -> list[Mistake]:
    """Add to each mistake Grad-CAM of the exported model for the answer that it gave.

    Raises:
        TuneError: the exported model cannot be loaded.
        ModelError: it has no feature maps.
    """
    # Before the modules below, which import Keras: else TensorFlow prints its start.
    import_tensorflow()
    from data_pipeline.pixels.reading import read_images
    from models.grad_cam import GradCam
    from search.inference.classifier import load_classifier
    from search.inference.heat_map import heat_layer

    classifier = load_classifier(str(run.export))
    read = read_images(
        [mistake.file.path for mistake in mistakes],
        image_size=classifier.image_size,
        resize_mode=classifier.resize_mode,
    )
    pixels: list[Any] = [image for image, _ in read]
    # Without a thumbnail there is nothing to lay the heat over, nor its proportions.
    readable = [k for k, image in enumerate(pixels) if image is not None and mistakes[k].image]
    illustrated = list(mistakes)
    if not readable:
        return illustrated
    # Where the mistake came from, even if the model should answer otherwise by now.
    if strange := {mistakes[k].answer for k in readable} - set(classifier.class_names):
        raise TuneError(f"the exported model has no class {printable(min(strange))}")
    answers = [classifier.class_names.index(mistakes[k].answer) for k in readable]
    _, maps = GradCam(classifier.model)(np.stack([pixels[k] for k in readable]), np.array(answers))
    for k, heat in zip(readable, maps, strict=True):
        layer = heat_layer(
            heat,
            size=_size(mistakes[k].image),
            resize_mode=classifier.resize_mode,
            image_size=classifier.image_size,
        )
        illustrated[k] = replace(mistakes[k], heat=layer)
    return illustrated


def _size(jpeg: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(jpeg)) as image:
        return image.height, image.width
