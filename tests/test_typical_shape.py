"""How large and how long the images of a data set are, by some of them."""

import numpy as np
import pytest
from PIL import Image

from data_pipeline.preparation import prepare
from data_pipeline.preparation import typical_shape as module
from data_pipeline.preparation.prepare import open_catalog
from data_pipeline.preparation.typical_shape import TypicalShape, typical_shape


@pytest.fixture(autouse=True)
def in_process(monkeypatch):
    """Read files here instead of in workers."""

    def run_here(function, tasks, *, workers=None):
        return ((task, function(task)) for task in tasks)

    for reader in (prepare, module):
        monkeypatch.setattr(reader, "run_in_workers", run_here)


@pytest.fixture
def folder(tmp_path):
    def with_sizes(sizes):
        for number, (width, height) in enumerate(sizes):
            path = tmp_path / "photos" / "ab"[number % 2] / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((height, width), number, np.uint8)).save(path)
        return tmp_path / "photos"

    return with_sizes


@pytest.mark.parametrize(
    ("sizes", "shape"),
    [
        ([(40, 30), (30, 40), (20, 20), (60, 45)], TypicalShape(40)),
        ([(60, 20)] * 10, TypicalShape(60, 3.0)),
        ([(20, 60)] * 10, TypicalShape(60, 1 / 3)),
        ([(90, 10)] * 10, TypicalShape(90, 4.0)),  # no narrower: too few rows would be left
        ([(60, 20)] * 5 + [(20, 60)] * 5, TypicalShape(60)),
        ([(60, 20)] * 7 + [(30, 30)] * 3, TypicalShape(60)),
        ([(32, 18)] * 10, TypicalShape(32)),  # 16:9, as many photos are
    ],
)
def test_only_a_set_of_long_images_has_an_aspect_of_its_own(folder, sizes, shape, tmp_path):
    data, cache = folder(sizes), tmp_path / "cache"
    assert typical_shape(data, cache_dir=cache) == pytest.approx(shape)
    open_catalog(data, cache_dir=cache)
    assert typical_shape(data, cache_dir=cache) == pytest.approx(shape)  # known from the check


def test_long_images_that_are_shown_upright_by_their_exif_data_are_tall(tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6
    for number in range(6):
        path = tmp_path / "photos" / "ab"[number % 2] / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (60, 20), (number, 0, 0)).save(path, exif=turned)
    data, cache = tmp_path / "photos", tmp_path / "cache"
    assert typical_shape(data, cache_dir=cache) == pytest.approx(TypicalShape(60, 1 / 3))
    open_catalog(data, cache_dir=cache)
    assert typical_shape(data, cache_dir=cache) == pytest.approx(TypicalShape(60, 1 / 3))


def test_where_no_image_can_be_read_there_is_no_shape(tmp_path):
    for label in "ab":
        (tmp_path / label).mkdir()
        (tmp_path / label / "words.jpg").write_text("words")
    assert typical_shape(tmp_path, cache_dir=tmp_path / "cache") is None
