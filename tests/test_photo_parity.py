"""The exported model on the user's own files, against the pixels prepared of them."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from data_pipeline.decoding.decode import read_upright
from data_pipeline.pixels.resize import resize
from search.errors import TuneError
from search.export import photo_parity
from search.export.photo_parity import DIFFERENCE, check_photos
from search.process.atomic_files import write_json
from search.run_folder.images import Images
from search.run_folder.paths import RunFolder

SIDE = 16


@pytest.fixture
def run(scratch, tmp_path):
    """Twenty photos of 60×40 and their prepared pixels."""
    paths = [f"{number:02d}.png" for number in range(20)]
    for number, name in enumerate(paths):
        _draw(tmp_path / name, number)
    pixels = np.stack([resize(read_upright(tmp_path / name), (SIDE, SIDE)) for name in paths])
    run = RunFolder(tmp_path / "run")
    write_json(
        run.older_images,
        {
            "root": str(tmp_path),
            "paths": paths,
            "formats": ["PNG"] * 20,
            "sizes": [[40, 60]] * 20,
        },
    )
    return replace(scratch, run=run, pixels=pixels)


def _draw(path, seed):
    noise = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((60, 40), Image.Resampling.BICUBIC).save(path)


def brightness(pictures):
    light = np.asarray(pictures, np.float64).mean(axis=(1, 2, 3)) / 255
    return np.stack([1 - light, light], axis=1).astype(np.float32)


def resizing(pictures, training):
    """As the exported model does: resizes what it is given, then answers."""
    photos = np.asarray(pictures).astype(np.uint8)
    return brightness(np.stack([resize(photo, (SIDE, SIDE)) for photo in photos]))


def flipped(pictures, training):
    """A preprocessing gone wrong."""
    return resizing(255 - pictures, training)


def checked(run, model):
    def in_a_graph(pictures, training):
        return tf.numpy_function(lambda given: model(given, training), [pictures], tf.float32)

    return check_photos(run, in_a_graph, np.arange(20), brightness(run.pixels))


def test_a_model_that_resizes_as_the_search_did_passes(run):
    found = checked(run, resizing)
    assert (found.photos, found.changed) == (20, 0)
    assert found.difference < DIFFERENCE


def test_the_photos_are_spread_over_all_rows_and_so_over_the_classes(run, monkeypatch):
    monkeypatch.setattr(photo_parity, "PHOTOS", 5)

    def wrong_for_the_second_half(pictures, training):
        late = [np.array_equal(pictures[0], read_upright(path)) for path in second]
        return flipped(pictures, training) if any(late) else resizing(pictures, training)

    root = Images.load(run.run).root
    second = [root / f"{number:02d}.png" for number in range(10, 20)]
    with pytest.raises(TuneError, match=r"to [23] of 5 photos"):
        checked(run, wrong_for_the_second_half)


def test_a_model_that_sees_something_else_is_refused(run):
    with pytest.raises(TuneError, match=r"answers differently to \d+ of 20 photos"):
        checked(run, flipped)


def test_photos_edited_or_gone_since_do_not_fail_it(run, tmp_path):
    (tmp_path / "00.png").unlink()
    (tmp_path / "01.png").write_text("no image")
    Image.new("RGB", (60, 40), "white").save(tmp_path / "02.png")
    found = checked(run, resizing)
    assert (found.photos, found.changed) == (18, 1)
