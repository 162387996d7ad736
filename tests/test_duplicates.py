import time

import numpy as np
from drawing import catalog, draw, entry, numbered

from data_pipeline.duplicates import (
    NEAR_BITS,
    exact_groups,
    group_ids,
    label_conflicts,
    near_groups,
    near_pairs,
)
from data_pipeline.hashes import perceptual_hash


def _looks(bits: int) -> str:
    return f"{bits:016x}"


def test_exact_copies_are_grouped_by_pixels_and_not_by_bytes():
    pictures = catalog(
        entry("cat/a.png", "cat", pixel_hash="same"),
        entry("cat/b.png", "cat"),
        entry("cat/c.bmp", "cat", pixel_hash="same"),
    )
    assert exact_groups(pictures) == [(0, 2)]
    assert label_conflicts(pictures) == []
    assert near_groups(pictures) == []


def test_one_picture_under_two_labels_is_a_conflict():
    pictures = catalog(
        entry("cat/a.png", "cat", pixel_hash="same"),
        entry("dog/a.png", "dog", pixel_hash="same"),
        entry("dog/b.png", "dog"),
    )
    assert label_conflicts(pictures) == [(0, 1)]


def test_near_duplicates_are_chained_up_to_the_threshold_and_no_further():
    base = 0x0123456789ABCDEF
    close, chained = base ^ 0b1111, base ^ 0b1111 ^ (0b1111 << 30)
    apart = base ^ (0b11111 << 50)
    pictures = catalog(
        *(
            entry(f"cat/{name}.png", "cat", perceptual_hash=_looks(bits))
            for name, bits in zip("abcd", (base, close, chained, apart), strict=True)
        )
    )
    assert group_ids(pictures).tolist() == [0, 0, 0, 3]
    assert near_groups(pictures) == [(0, 1, 2)]


def test_every_pair_within_the_threshold_is_found():
    random = np.random.default_rng(0)
    hashes = random.integers(0, 2**63, 300, dtype=np.uint64)
    for index in range(0, 300, 2):
        flips = random.choice(64, random.integers(1, 9), replace=False)
        hashes[index + 1] = hashes[index] ^ np.bitwise_or.reduce(
            np.uint64(1) << flips.astype(np.uint64)
        )
    apart = np.bitwise_count(hashes[:, np.newaxis] ^ hashes)
    expected = {(i, j) for i, j in np.argwhere(apart <= NEAR_BITS).tolist() if i < j}
    found = {
        (min(pair), max(pair))
        for one, other in near_pairs(hashes)
        for pair in zip(one.tolist(), other.tolist(), strict=True)
    }
    assert found == expected
    assert len(expected) > 50


def test_pictures_without_contrast_are_not_glued_together():
    flat = [np.full((30, 40, 3), tone, np.uint8) for tone in (0, 90, 91, 255)]
    assert {perceptual_hash(picture) for picture in flat} == {""}
    pictures = catalog(*(entry(f"cat/{n}.png", "cat", perceptual_hash="") for n in range(4)))
    assert group_ids(pictures).tolist() == [0, 1, 2, 3]


def test_a_kind_of_picture_is_not_taken_for_one_picture():
    alike = numbered({"cat": 30}, perceptual_hash=_looks(5))
    others = numbered({"dog": 30})
    pictures = catalog(*alike.kept, *others.kept)
    assert len(set(group_ids(pictures).tolist())) == 60


def test_a_resized_and_recompressed_copy_looks_the_same_and_another_picture_does_not(tmp_path):
    large = draw(1, (400, 300))
    large.resize((180, 135)).save(tmp_path / "copy.jpg", quality=60)
    from data_pipeline.decode import read_upright

    original = int(perceptual_hash(np.asarray(large)), 16)
    copy = int(perceptual_hash(read_upright(tmp_path / "copy.jpg")), 16)
    other = int(perceptual_hash(np.asarray(draw(2, (400, 300)))), 16)
    assert (original ^ copy).bit_count() <= NEAR_BITS
    assert (original ^ other).bit_count() > 2 * NEAR_BITS


def test_sixty_thousand_pictures_are_grouped_without_comparing_each_with_each():
    hashes = np.random.default_rng(0).integers(0, 2**63, 60_000, dtype=np.uint64)
    start = time.perf_counter()
    pairs = sum(len(one) for one, _ in near_pairs(np.unique(hashes)))
    assert pairs == 0
    assert time.perf_counter() - start < 20
