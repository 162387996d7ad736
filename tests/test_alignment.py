import numpy as np
import pytest
from drawing import copy_of, draw

from data_pipeline.near_duplicates.alignment import difference, motion
from data_pipeline.near_duplicates.sketch import read_sketches, sketch

LARGE = (300, 240)


def _sketches(images):
    return read_sketches([sketch(np.asarray(image)) for image in images]).outline


def apart(first, second):
    return difference(first, second, motion(first, second))


@pytest.mark.parametrize("crop", [(0.03, 0, 0, 0), (0, 0, 0, 0.03), (0.03, 0.03, 0.03, 0.03)])
def test_a_cropped_image_fits_its_original(crop):
    images = [draw(seed, LARGE) for seed in range(20)]
    copies = [copy_of(image, crop=crop, scale=0.5, brightness=1.2) for image in images]
    originals = _sketches(images)
    assert apart(originals, _sketches(copies)).max() < 0.16
    assert apart(originals, np.roll(originals, 1, axis=0)).min() > 0.3


def test_it_is_the_fit_that_makes_them_alike():
    image = draw(3, LARGE)
    one, other = _sketches([image, copy_of(image, crop=(0.03, 0.03, 0.03, 0.03))])
    sure = np.minimum(np.abs(one), np.abs(other)) > 1
    as_they_are = ((one > 0) != (other > 0))[sure].mean()
    assert apart(one[np.newaxis], other[np.newaxis])[0] < as_they_are / 2


def test_an_image_that_has_to_be_moved_far_is_another():
    image = draw(3, LARGE)
    pair = _sketches([image, copy_of(image, crop=(0.2, 0, 0, 0))])
    assert apart(pair[:1], pair[1:]).tolist() == [1.0]


def test_images_with_too_little_in_them_are_not_called_copies():
    few = np.zeros((1, 13, 13), np.int8)
    few[0, :3, :3] = np.random.default_rng(0).integers(50, 128, (3, 3))
    assert apart(few, few).tolist() == [1.0]
    few[0] = np.random.default_rng(0).integers(50, 128, (13, 13))
    assert apart(few, few).tolist() == [0.0]


def test_no_pairs_give_no_differences():
    none = np.empty((0, 13, 13), np.int8)
    assert apart(none, none).shape == (0,)
