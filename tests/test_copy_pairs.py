import time

import numpy as np
import pytest
from drawing import copy_of, draw, random_sketch
from PIL import Image, ImageOps

from data_pipeline.near_duplicates import candidate_pairs as module
from data_pipeline.near_duplicates.copy_pairs import copy_pairs
from data_pipeline.near_duplicates.joined import joined
from data_pipeline.near_duplicates.sketch import Sketches, read_sketches, sketch

CROPS = ((0, 0, 0, 0), (0.03, 0, 0, 0), (0, 0.03, 0, 0), (0.03, 0.03, 0.03, 0.03))


def _sketches(images):
    return read_sketches([sketch(np.asarray(image)) for image in images])


def _random(count):
    return read_sketches([random_sketch(seed) for seed in range(count)])


def test_every_changed_copy_is_found_and_nothing_else():
    images = [draw(seed, (240, 180)) for seed in range(100)]
    copies = [
        copy_of(image, crop=CROPS[n % 4], scale=0.7, gamma=0.8, quality=70)
        for n, image in enumerate(images)
    ]
    found = copy_pairs(_sketches([*images, *copies]))
    assert found.tolist() == [[n, n + 100] for n in range(100)]


@pytest.mark.photos
def test_every_changed_copy_of_a_photo_is_found_and_no_other_photo(shared):
    paths = sorted((shared / "cats_vs_dogs_180").glob("*/*"))[:400]
    photos = [Image.open(path).convert("RGB") for path in paths]
    copies = [
        copy_of(photo, crop=CROPS[3], scale=0.7, gamma=0.8, quality=70) for photo in photos[:100]
    ]
    found = copy_pairs(_sketches([*photos, *copies])).tolist()
    planted = [[n, n + 400] for n in range(100)]
    assert len([pair for pair in planted if pair in found]) >= 99
    assert [pair for pair in found if pair not in planted] == [[143, 204]]  # a true one


def test_who_meets_whom_does_not_hang_on_the_order():
    images = [draw(seed, (120, 90)) for seed in range(30)]
    sketches = _sketches([*images, *(copy_of(image, crop=CROPS[1]) for image in images)])
    shuffled = np.random.default_rng(0).permutation(60)
    found = {frozenset(pair) for pair in copy_pairs(sketches).tolist()}
    again = {frozenset(shuffled[pair].tolist()) for pair in copy_pairs(sketches.rows(shuffled))}
    assert again == found


def _page(seed):
    """A page of text: lines of words, in the same block as on every page."""
    random, page = np.random.default_rng(seed), np.full((400, 300, 3), 255, np.uint8)
    for top in range(30, 370, 12):
        page[top : top + 6, 25:275] = 40
        for gap in 25 + np.cumsum(random.integers(13, 45, 20)):
            page[top : top + 6, gap : gap + 5] = 255
    return page


def test_pages_of_text_are_not_copies_of_one_another():
    sketches = _sketches([_page(seed) for seed in range(40)])
    flat = sketches.outline.reshape(40, -1)
    assert np.median(np.corrcoef(flat)) > 0.8
    assert len(copy_pairs(sketches)) == 0


def test_many_copies_of_one_image_are_linked_to_one_group():
    image, others = draw(5, (240, 180)), [draw(seed, (240, 180)) for seed in range(100, 160)]
    crops = np.random.default_rng(0).uniform(0, 0.02, (60, 4))
    texts = {sketch(np.asarray(copy_of(image, crop=tuple(crop)))) for crop in crops}
    sketches = read_sketches([*texts, *(sketch(np.asarray(other)) for other in others)])
    reached, pairs = {0}, copy_pairs(sketches).tolist()
    for _ in texts:
        reached |= {end for pair in pairs if reached & set(pair) for end in pair}
    assert reached == set(range(len(texts)))
    assert len(texts) > 50


@pytest.mark.parametrize("seed", [0, 1, 3])
def test_two_bursts_of_one_image_are_linked(seed):
    """All that are closest to an image are of its own burst."""
    image, qualities = draw(seed, (400, 300)), range(50, 98, 4)
    bursts = [[copy_of(image, crop=CROPS[n], quality=q) for q in qualities] for n in (0, 3)]
    sketches = _sketches([*bursts[0], *bursts[1]])
    assert len(set(joined(np.arange(24), copy_pairs(sketches)))) == 1


def test_mirrored_copies_are_found():
    images = [draw(seed, (240, 180)) for seed in range(30)]
    flipped = [copy_of(ImageOps.mirror(image), scale=0.7) for image in images[:10]]
    assert copy_pairs(_sketches([*images, *flipped])).tolist() == [[n, n + 30] for n in range(10)]


def test_before_one_background_only_copies_are_found():
    """What they have in common says nothing: another object makes another image."""
    random = np.random.default_rng(0)
    place = np.kron(random.integers(60, 200, (12, 12, 3)), np.ones((20, 20, 1)))
    place = place + random.normal(0, 12, place.shape)

    def taken(seed):
        chosen, image = np.random.default_rng(seed), place.copy()
        top, left = 20 + 20 * (seed % 10), 20 + 20 * (seed // 10)
        image[top : top + 30, left : left + 24] = chosen.integers(0, 255, 3)
        image += chosen.normal(0, 3, image.shape)
        return Image.fromarray(np.clip(image, 0, 255).astype(np.uint8))

    images = [taken(seed) for seed in range(100)]
    copies = [copy_of(image, scale=0.7, gamma=0.9, quality=80) for image in images[:20]]
    found = copy_pairs(_sketches([*images, *copies])).tolist()
    planted = [[n, n + 100] for n in range(20)]
    assert [pair for pair in found if pair not in planted] == []
    assert len(found) >= 18


def test_the_same_in_another_colour_is_no_copy_and_in_grey_is_one():
    images = [draw(seed, (240, 180)) for seed in range(20)]
    turned = [Image.fromarray(np.asarray(image)[..., ::-1].copy()) for image in images]
    as_grey = [image.convert("L").convert("RGB") for image in images]
    colourful = [
        n for n, image in enumerate(images) if np.ptp(np.asarray(image), axis=2).mean() > 40
    ]
    assert len(colourful) > 10
    found = copy_pairs(_sketches([*images, *turned])).tolist()
    assert not [pair for pair in found if pair[0] in colourful]
    assert [[n, n + 20] for n in range(20)] == copy_pairs(_sketches([*images, *as_grey])).tolist()


def test_where_all_look_alike_few_meet(monkeypatch):
    monkeypatch.setattr(module, "_MOST_PAIRED", 256)
    shape = np.random.default_rng(0).integers(-127, 128, 169, np.int8)
    changed = np.random.default_rng(1).integers(-3, 4, (2000, 169), np.int8)
    sketches = np.clip(shape // 2 + changed, -127, 127)
    coarse = module.coarse_numbers(sketches.reshape(-1, 13, 13))
    pairs = sum(len(first) for first, _ in module.candidate_pairs(coarse))
    assert 0 < pairs <= 2 * 256 * 2000


@pytest.mark.parametrize("count", [0, 1])
def test_no_two_images_have_no_pairs(count):
    assert copy_pairs(_random(count)).shape == (0, 2)


def test_sixty_thousand_images_are_looked_through_without_comparing_each_with_each():
    random = np.random.default_rng(0)
    grey = random.integers(-127, 128, (60_000, 24, 24), np.int8)
    grey[-1] = grey[0]
    grey[-1, 5, 5] += 1
    start = time.perf_counter()
    assert copy_pairs(Sketches(grey, np.zeros((60_000, 2, 8, 8), np.int8))).tolist() == [
        [0, 59_999]
    ]
    assert time.perf_counter() - start < 20
