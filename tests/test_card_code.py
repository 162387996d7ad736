"""The card's own code reads photos as `tune predict` does."""

import numpy as np
import pytest
from drawing import draw
from PIL import Image

from data_pipeline.decoding.decode import read_upright
from search.export.card_code import READ_AND_PREDICT


@pytest.fixture
def pixels():
    """The function of the card that reads a photo."""
    names = {}
    exec(READ_AND_PREDICT.split("model = ")[0], names)
    return names["pixels"]


def rotated(image, path):
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(path.with_suffix(".jpg"), exif=exif)


def deep(image, path):
    Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257).save(path)


def with_alpha(image, path):
    image.putalpha(image.convert("L"))
    image.save(path)


def with_transparent_colour(image, path):
    image.quantize(16).save(path, transparency=3)


FORMS = {
    "upright": lambda image, path: image.save(path.with_suffix(".jpg")),
    "rotated": rotated,
    "grey of 16 bits": deep,
    "grey": lambda image, path: image.convert("L").save(path),
    "palette": lambda image, path: image.quantize(16).save(path),
    "palette with a transparent colour": with_transparent_colour,
    "CMYK": lambda image, path: image.convert("CMYK").save(path.with_suffix(".jpg")),
    "alpha": with_alpha,
    "grey with alpha": lambda image, path: image.convert("LA").save(path),
    "one bit": lambda image, path: image.convert("1").save(path),
    "TIFF": lambda image, path: image.save(path.with_suffix(".tif")),
}


@pytest.mark.parametrize("form", FORMS)
def test_it_gives_the_pixels_that_models_are_trained_on(pixels, tmp_path, form):
    for number in range(12):
        FORMS[form](draw(number), tmp_path / f"{number}.png")
    paths = sorted(tmp_path.iterdir())
    assert len(paths) == 12
    for path in paths:
        assert np.array_equal(pixels(path), read_upright(path))
