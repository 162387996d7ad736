import numpy as np
from drawing import copy_of, draw

from data_pipeline.near_duplicates.alignment import cosines
from data_pipeline.near_duplicates.sketch import read_sketches, sketch, tints
from data_pipeline.near_duplicates.stored_sketches import WithMirrored


def _numbers(*images):
    return read_sketches([sketch(np.asarray(image)) for image in images]).outline


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
    assert len(read_sketches([])) == 0


def test_colours_stand_where_they_are_in_levels():
    left = np.repeat(np.linspace(20, 120, 60)[:, np.newaxis, np.newaxis], 60, axis=1) * np.ones(3)
    left[:, :30] += (100, 0, -20)
    found = read_sketches([sketch(left.astype(np.uint8))]).colour
    places = (np.arange(8) + 0.5) / 8 - 0.5
    still = np.zeros(1, np.float32)
    waves = cosines(still, still, frequencies=8, places=places.astype(np.float32))
    red, blue = tints(found, waves, waves)[0]
    grey = 0.299 * 100 - 0.114 * 20
    np.testing.assert_allclose(red[:, 1:3], 100 - grey, atol=15)
    np.testing.assert_allclose(blue[:, 1:3], -20 - grey, atol=15)
    np.testing.assert_allclose(red[:, 5:7], 0, atol=15)


def test_a_mirrored_image_has_the_mirrored_waves():
    image = np.asarray(draw(4, (120, 90)))
    both = WithMirrored(read_sketches([sketch(image)])).rows(np.arange(2))
    flipped = read_sketches([sketch(np.ascontiguousarray(image[:, ::-1]))])
    assert np.abs(both.grey[1].astype(int) - flipped.grey[0]).max() <= 1
    assert np.abs(both.colour[1].astype(int) - flipped.colour[0]).max() <= 1


def test_what_has_two_tones_alone_has_none():
    """Discs, bars: as drawings they look alike, whatever they are of."""
    rows, columns = np.mgrid[:240, :240] / 240 - 0.5
    noise = np.random.default_rng(0).normal(0, 3, (240, 240, 1))

    def drawn(shape, colour):
        flat = np.where(shape[..., np.newaxis], colour, [230, 230, 230])
        return np.clip(flat + noise, 0, 255).astype(np.uint8)

    disc = rows**2 + columns**2 < 0.3**2
    assert sketch(drawn(disc, [200, 60, 60])) == ""
    assert sketch(drawn(np.abs(rows) < 0.2, [60, 60, 200])) == ""
    shaded = np.clip(230 - 400 * np.hypot(rows, columns)[..., np.newaxis] + noise, 0, 255)
    assert sketch(np.repeat(shaded.astype(np.uint8), 3, axis=2))
