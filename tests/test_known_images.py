"""Images that a model was trained on are found again, as they are and as copies."""

import numpy as np
import pytest
from drawing import catalog, copy_of, draw, entry, random_sketch

from data_pipeline.near_duplicates.known_images import KnownImages
from data_pipeline.near_duplicates.sketch import sketch


def drawn(seed, **changes):
    """The entry of a drawn image, or of a copy of it."""
    image = draw(seed, (200, 160))
    image = copy_of(image, **changes) if changes else image
    return entry(f"cat/{seed}-{len(changes)}.png", "cat", sketch=sketch(np.asarray(image)))


def test_an_image_is_known_by_its_pixels_and_by_its_copies():
    trained = catalog(*(drawn(seed) for seed in range(20)))
    known = KnownImages.of(trained, [0, 1, 2, 3])
    exact = entry("dog/other name.png", "dog", pixel_hash=trained.kept[2].pixel_hash, sketch="")
    others = catalog(
        drawn(0),
        drawn(1, scale=0.5, quality=60),
        drawn(7),
        drawn(99),
        exact,
        drawn(3, brightness=1.2),
    )
    by_path = dict(zip((e.path for e in others.kept), known.among(others), strict=True))
    assert by_path == {
        "cat/0-0.png": True,
        "cat/1-2.png": True,
        "cat/7-0.png": False,
        "cat/99-0.png": False,
        "dog/other name.png": True,
        "cat/3-1.png": True,
    }


def test_what_is_written_is_read_again(tmp_path):
    known = KnownImages(frozenset({"ab", "cd"}), frozenset({random_sketch(1), random_sketch(2)}))
    np.savez(tmp_path / "known.npz", **known.arrays())
    with np.load(tmp_path / "known.npz", allow_pickle=False) as arrays:
        assert KnownImages.from_arrays(arrays) == known
    nothing = KnownImages(frozenset(), frozenset())
    np.savez(tmp_path / "nothing.npz", **nothing.arrays())
    with np.load(tmp_path / "nothing.npz", allow_pickle=False) as arrays:
        assert KnownImages.from_arrays(arrays) == nothing


@pytest.mark.parametrize("known", [KnownImages(frozenset(), frozenset())])
def test_nothing_is_known_to_who_was_trained_on_nothing(known):
    assert not known.among(catalog(drawn(1), drawn(2))).any()
