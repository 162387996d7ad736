import keras
import numpy as np
import pytest

from data_pipeline.resize import resize

_SHAPES = [(1, 1), (1, 37), (53, 1), (7, 5), (31, 97), (97, 31), (64, 64), (200, 133), (375, 499)]
_TARGETS = [(1, 1), (32, 32), (48, 31), (33, 60), (64, 64)]


@pytest.mark.parametrize("crop", [False, True])
@pytest.mark.parametrize("image_size", _TARGETS)
def test_resize_is_bit_equal_to_the_keras_layer(image_size, crop):
    layer = keras.layers.Resizing(*image_size, antialias=True, crop_to_aspect_ratio=crop)
    random = np.random.default_rng(0)
    for shape in _SHAPES:
        image = random.integers(0, 256, (*shape, 3), dtype=np.uint8)
        expected = np.asarray(layer(image[np.newaxis]))[0]
        exported = np.asarray(layer(image[np.newaxis].astype(np.float32)))[0]
        rounded = np.clip(np.round(exported), 0, 255).astype(np.uint8)
        resized = resize(image, image_size, crop_to_aspect_ratio=crop)
        assert resized.dtype == np.uint8
        assert np.array_equal(resized, expected), shape
        assert np.array_equal(resized, rounded), shape


def test_crops_of_many_proportions_are_those_of_keras():
    random = np.random.default_rng(1)
    for height, width, *image_size in random.integers(1, 40, (60, 4)):
        image = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        layer = keras.layers.Resizing(*image_size, antialias=True, crop_to_aspect_ratio=True)
        expected = np.asarray(layer(image[np.newaxis]))[0]
        resized = resize(image, tuple(image_size), crop_to_aspect_ratio=True)
        assert np.array_equal(resized, expected), (height, width, image_size)


def test_a_batch_is_resized_like_its_pictures():
    images = np.random.default_rng(2).integers(0, 256, (3, 20, 30, 3), dtype=np.uint8)
    batch = resize(images, (16, 16))
    assert batch.shape == (3, 16, 16, 3)
    assert np.array_equal(batch[1], resize(images[1], (16, 16)))
