"""Accuracy on kinds of images."""

from dataclasses import replace

import numpy as np
import pytest

from search.export.slices import by_slice, looks
from search.run_folder.images import Images


def images_of(sizes, formats):
    names = tuple("abc")
    return Images("/photos", names, tuple(formats), np.array(sizes, np.int32), names, names)


def stripes(width, *, low=0, high=255, side=16):
    line = np.where(np.arange(side) // width % 2, high, low)
    return np.broadcast_to(line[None, :, None], (side, side, 3)).astype(np.uint8)


def test_brightness_is_that_of_people():
    white, green, blue = (np.zeros((1, 4, 4, 3), np.uint8) for _ in range(3))
    white[:], green[..., 1], blue[..., 2] = 255, 255, 255
    one = np.array([0])
    assert looks(white, one).brightness[0] == pytest.approx(255, abs=0.01)
    assert looks(green, one).brightness[0] > 4 * looks(blue, one).brightness[0]


def test_what_is_blurred_is_less_sharp():
    pixels = np.stack([stripes(1), stripes(4), stripes(1, low=120, high=130), stripes(99)])
    found = looks(pixels, np.arange(4)).sharpness
    assert found[0] > found[1] > found[3] == 0
    assert found[0] > found[2]


@pytest.fixture
def experiment(scratch):
    """Twenty training images from dark to bright, and four that were tested."""
    greys = [*range(0, 200, 10), 5, 100, 150, 199]
    pixels = np.array([np.full((16, 16, 3), grey, np.uint8) for grey in greys])
    pixels[:, ::2, ::2] += np.arange(24, dtype=np.uint8)[:, None, None, None]  # ever sharper
    rows = np.arange(24)
    return replace(scratch, pixels=pixels, train=rows[:20], test=rows[20:])


def test_each_slice_has_its_own_accuracy_and_interval(experiment):
    sizes = [[10, 10]] * 3 + [[100, 100]] * 17 + [[10, 10], [100, 100], [100, 100], [9, 9]]
    formats = ["JPEG"] * 22 + ["PNG"] * 2
    found = by_slice(
        experiment,
        images_of(sizes, formats),
        experiment.test,
        np.array([False, True, True, False]),
    )
    rows = {row.name: row for row in found}
    assert set(rows) == {"dark", "small", "JPEG", "PNG"}  # none is blurrier than those learnt
    assert (rows["dark"].images, rows["dark"].accuracy) == (1, 0.0)
    assert (rows["small"].images, rows["small"].accuracy) == (2, 0.0)
    assert (rows["JPEG"].images, rows["JPEG"].accuracy) == (2, 0.5)
    low, high = rows["JPEG"].interval
    assert 0 < low < 0.5 < high < 1


def test_images_of_one_size_have_no_small_ones(experiment):
    found = by_slice(
        experiment,
        images_of([[50, 50]] * 24, ["JPEG"] * 24),
        experiment.test,
        np.ones(4, bool),
    )
    assert "small" not in {row.name for row in found}
