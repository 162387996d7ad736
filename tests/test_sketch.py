import numpy as np
from drawing import copy_of, draw

from data_pipeline.near_duplicates.sketch import read_sketches, sketch


def _numbers(*images):
    return read_sketches([sketch(np.asarray(image)) for image in images])


def _correlation(one, other):
    return np.corrcoef(one.ravel(), other.ravel())[0, 1]


def test_a_resized_and_recompressed_copy_looks_the_same_and_another_image_does_not():
    large = draw(1, (400, 300))
    original, small, dark, other = _numbers(
        large,
        copy_of(large, scale=0.45, quality=60),
        copy_of(large, gamma=1.4),
        draw(2, (400, 300)),
    )
    assert _correlation(original, small) > 0.99
    assert _correlation(original, dark) > 0.95
    assert abs(_correlation(original, other)) < 0.6


def test_numbers_stand_where_their_waves_lie():
    across = np.cos(np.pi * 3 * (np.arange(320) + 0.5) / 320)
    rows = np.broadcast_to(np.rint(128 + 100 * across)[:, np.newaxis], (320, 240)).astype(np.uint8)
    (numbers,) = _numbers(np.repeat(rows[..., np.newaxis], 3, axis=2))
    assert abs(int(numbers[3, 0])) == 127
    assert np.abs(np.delete(numbers.ravel(), 3 * 13)).max() <= 2


def test_a_mean_brightness_is_no_part_of_it():
    noise = np.random.default_rng(0).integers(0, 100, (60, 80, 3), np.uint8)
    assert sketch(noise) == sketch(noise + 100)


def test_images_without_contrast_have_none():
    flat = [np.full((30, 40, 3), tone, np.uint8) for tone in (0, 90, 91, 255)]
    assert {sketch(picture) for picture in flat} == {""}


def test_tiny_images_have_none():
    noise = np.random.default_rng(0).integers(0, 256, (16, 40, 3), np.uint8)
    assert sketch(noise)
    assert sketch(noise[:15]) == sketch(noise[:, :8]) == ""


def test_no_sketches_can_be_read():
    assert read_sketches([]).shape == (0, 13, 13)
