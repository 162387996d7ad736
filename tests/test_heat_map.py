"""Heat maps as images: in place, in proportion, seen through."""

import io

import numpy as np
import pytest
from PIL import Image

from search.inference.heat_map import SIDE, heat_layer


def layer(heat, size, mode="squeeze", **values):
    """float [height, width, 4], 0–255."""
    png = heat_layer(np.asarray(heat, np.float32), size=size, resize_mode=mode, **values)
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA")).astype(float)


def hottest(pixels):
    """(row, column) of the middle of what is hottest, as shares of the sides."""
    alpha = pixels[..., 3]
    places = np.argwhere(alpha == alpha.max()) + 0.5
    return places.mean(axis=0) / alpha.shape


def one_at(row, column, shape=(6, 6)):
    heat = np.zeros(shape)
    heat[row, column] = 1
    return heat


@pytest.mark.parametrize("size", [(480, 360), (360, 480), (100, 288), (3000, 4000)])
def test_it_has_the_photos_proportions_and_is_small(size):
    pixels = layer(one_at(1, 4), size)
    assert max(pixels.shape) <= SIDE
    assert pixels.shape[0] / pixels.shape[1] == pytest.approx(size[0] / size[1], rel=0.01)
    np.testing.assert_allclose(hottest(pixels), [1.5 / 6, 4.5 / 6], atol=0.01)


def test_photos_that_are_smaller_are_not_enlarged_and_slivers_keep_a_pixel():
    assert layer(one_at(0, 0), (50, 40)).shape[:2] == (50, 40)
    assert layer(one_at(0, 0), (1, 20000)).shape[:2] == (1, SIDE)


def test_cold_is_transparent_and_hotter_is_more_opaque_and_lighter():
    pixels = layer([np.linspace(0, 1, 60)], (10, 200))[5]
    assert pixels[0, 3] == 0
    assert 150 < pixels[-1, 3] < 255
    assert (np.diff(pixels[:, 3]) >= 0).all()
    light = pixels[:, :3] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(light) >= -1).all()
    assert light[-1] - light[0] > 100
    assert (layer(np.zeros((6, 6)), (20, 30))[..., 3] == 0).all()


@pytest.mark.parametrize(
    ("size", "inside"),
    [((100, 200), np.s_[:, 50:150]), ((200, 100), np.s_[50:150]), ((90, 90), np.s_[:])],
)
def test_a_model_that_crops_saw_the_middle_only(size, inside):
    pixels = layer(np.ones((6, 6)), size, mode="crop")
    shown = pixels[..., 3] > 0
    expected = np.zeros(size, bool)
    expected[inside] = True
    np.testing.assert_array_equal(shown, expected)
    assert (layer(np.ones((6, 6)), size)[..., 3] > 0).all()


def test_a_model_that_saw_bars_too_has_its_heat_on_the_photo_alone():
    pixels = layer(one_at(2, 4), (90, 180), mode="pad")
    assert pixels.shape[:2] == (90, 180)
    # The third of six rows of the square is the second quarter of the photo's height.
    np.testing.assert_allclose(hottest(pixels), [(75 - 45) / 90, 4.5 / 6], atol=0.02)
    assert (layer(one_at(0, 3), (90, 180), mode="pad")[..., 3] == 0).all()


def test_the_middle_has_the_shape_that_the_model_takes_and_not_that_of_its_map():
    pixels = layer(np.ones((3, 3)), (100, 200), mode="crop", image_size=(80, 120))
    assert (pixels[50, :, 3] > 0).sum() == 150


def test_between_the_places_of_the_map_it_goes_evenly():
    alpha = layer(one_at(2, 2), (288, 288))[..., 3]
    assert np.abs(np.diff(alpha, axis=0)).max() < 12
    assert np.abs(np.diff(alpha, axis=1)).max() < 12


def test_it_is_a_small_file():
    noise = np.random.default_rng(0).random((12, 12)).astype(np.float32)
    assert len(heat_layer(noise, size=(480, 480), resize_mode="squeeze")) < 40_000
