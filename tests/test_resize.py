import keras
import numpy as np
import pytest

from data_pipeline.pixels.resize import resize
from data_pipeline.pixels.resize_mode import RESIZE_MODES

_SHAPES = [(1, 1), (1, 37), (53, 1), (7, 5), (31, 97), (97, 31), (64, 64), (200, 133), (375, 499)]
_TARGETS = [(1, 1), (32, 32), (48, 31), (33, 60), (64, 64)]


# A float32 sum of some thousand terms up to 255 is off by less.
_ERROR = 1e-3


def _layer(image_size, mode):
    kept = {} if mode == "squeeze" else {f"{mode}_to_aspect_ratio": True}
    return keras.layers.Resizing(*image_size, antialias=True, **kept)


def _unrounded(image, layer):
    """What the exported model has before it rounds."""
    return np.asarray(layer(image[np.newaxis].astype(np.float32)))[0]


def _require_same_but_for_halves(resized, unrounded):
    """Equal to the rounded layer, except where its own result all but stands on a half."""
    rounded = np.clip(np.round(unrounded), 0, 255).astype(np.uint8)
    differ = resized != rounded
    assert resized.dtype == np.uint8
    assert resized.shape == rounded.shape
    assert np.all(np.abs(resized.astype(int) - rounded)[differ] == 1)
    assert np.all(np.abs(unrounded[differ] % 1 - 0.5) < _ERROR)


@pytest.mark.parametrize("mode", RESIZE_MODES)
@pytest.mark.parametrize("image_size", _TARGETS)
def test_resize_is_the_keras_layer_but_for_the_rounding_of_halves(image_size, mode):
    layer = _layer(image_size, mode)
    random = np.random.default_rng(0)
    for shape in _SHAPES:
        image = random.integers(0, 256, (*shape, 3), dtype=np.uint8)
        resized = resize(image, image_size, resize_mode=mode)
        _require_same_but_for_halves(resized, _unrounded(image, layer))


def test_halves_that_round_otherwise_are_rare():
    image = np.random.default_rng(3).integers(0, 256, (375, 499, 3), dtype=np.uint8)
    for image_size in ((96, 96), (180, 180)):
        layer = keras.layers.Resizing(*image_size, antialias=True)
        rounded = np.round(_unrounded(image, layer)).astype(np.uint8)
        assert np.mean(resize(image, image_size) != rounded) < 5e-4


@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_a_plain_image_stays_plain(level):
    for shape in _SHAPES:
        resized = resize(np.full((*shape, 3), level, np.uint8), (48, 31))
        assert np.all(resized == level), shape


def test_very_long_sides_are_resized_too():
    image = np.random.default_rng(4).integers(0, 256, (2, 2**16 + 1, 3), dtype=np.uint8)
    layer = keras.layers.Resizing(4, 8, antialias=True)
    _require_same_but_for_halves(resize(image, (4, 8)), _unrounded(image, layer))


def test_bars_of_an_image_so_long_that_they_would_not_fit_into_memory_are_refused():
    image = np.zeros((2, 2**16 + 1, 3), np.uint8)
    with pytest.raises(MemoryError):
        resize(image, (4, 8), resize_mode="pad")


def test_bars_that_make_a_square_of_a_long_image_are_no_longer_than_it():
    image = np.full((2, 40_000, 3), 200, np.uint8)
    squared = resize(image, (8, 8), resize_mode="pad")
    padded = np.zeros((40_000, 40, 3), np.uint8)  # the same but for columns, which are all alike
    padded[19_999:20_001] = 200
    np.testing.assert_array_equal(squared, resize(padded, (8, 8)))


def test_bars_are_black_and_nothing_of_the_image_is_lost():
    resized = resize(np.full((10, 40, 3), 200, np.uint8), (32, 32), resize_mode="pad")
    light = resized[..., 0] > 100
    assert light.any(axis=1).sum() == 8
    assert light.any(axis=0).all()
    assert not resized[:10].any()
    assert not resized[-10:].any()


@pytest.mark.parametrize("mode", ["crop", "pad"])
def test_many_proportions_are_made_to_fit_as_keras_does_it(mode):
    random = np.random.default_rng(1)
    for height, width, *image_size in random.integers(1, 40, (60, 4)):
        image = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        layer = _layer(image_size, mode)
        resized = resize(image, tuple(image_size), resize_mode=mode)
        _require_same_but_for_halves(resized, _unrounded(image, layer))


def test_a_batch_is_resized_like_its_images():
    images = np.random.default_rng(2).integers(0, 256, (3, 20, 30, 3), dtype=np.uint8)
    batch = resize(images, (16, 16))
    assert batch.shape == (3, 16, 16, 3)
    assert np.array_equal(batch[1], resize(images[1], (16, 16)))
