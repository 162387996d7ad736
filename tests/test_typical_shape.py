"""How large and how long the images of a data set are, by some of them."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from data_pipeline.listing.data_options import DataOptions
from data_pipeline.preparation import prepare
from data_pipeline.preparation import typical_shape as module
from data_pipeline.preparation.prepare import open_catalog
from data_pipeline.preparation.typical_shape import TypicalShape, size_of, typical_shape


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


def test_images_that_are_others_by_now_are_looked_at_anew(folder, tmp_path):
    cache = tmp_path / "cache"
    data = folder([(20, 15)] * 6)
    open_catalog(data, cache_dir=cache)
    folder([(80, 60)] * 6)  # under the same names
    assert typical_shape(data, cache_dir=cache) == TypicalShape(80)
    folder([(20, 15)] * 6)
    open_catalog(data, cache_dir=cache)
    folder([(20, 15)] * 6 + [(80, 60)] * 8)  # and others beside them
    assert typical_shape(data, cache_dir=cache) == TypicalShape(80)
    for number in range(14):
        (data / "ab"[number % 2] / f"{number}.png").unlink()
    folder([(40, 30)] * 2)
    assert typical_shape(data, cache_dir=cache) == TypicalShape(40)


def test_a_table_may_name_others_than_were_checked(folder, tmp_path):
    cache = tmp_path / "cache"
    data = folder([(20, 15)] * 4 + [(80, 60)] * 4)
    small, large = (
        DataOptions(labels=tmp_path / f"{name}.csv", least=2) for name in ("small", "large")
    )
    for options, numbers in ((small, range(4)), (large, range(4, 8))):
        rows = [f"{'ab'[n % 2]}/{n}.png,{'ab'[n % 2]}" for n in numbers]
        options.labels.write_text("\n".join(rows))
    open_catalog(data, cache_dir=cache, options=small)
    assert typical_shape(data, cache_dir=cache, options=large) == TypicalShape(80)


def test_an_image_that_claims_too_many_pixels_is_left_to_the_check(folder, tmp_path):
    data = folder([(20, 15)] * 4)
    header = (data / "a" / "0.png").read_bytes()
    sides = struct.pack(">II", 20_000, 20_000)
    chunk = b"IHDR" + sides + header[24:29]
    fake = header[:12] + chunk + struct.pack(">I", zlib.crc32(chunk)) + header[33:]
    (data / "a" / "huge.png").write_bytes(fake)
    assert size_of(data / "a" / "huge.png") is None
    assert typical_shape(data, cache_dir=tmp_path / "cache") == TypicalShape(20)


def test_where_no_image_can_be_read_there_is_no_shape(tmp_path):
    for label in "ab":
        (tmp_path / label).mkdir()
        (tmp_path / label / "words.jpg").write_text("words")
    assert typical_shape(tmp_path, cache_dir=tmp_path / "cache") is None
