"""Images that a model was trained on are found again, as they are and as copies."""

import numpy as np
from drawing import catalog, copy_of, draw, entry, random_sketch

from data_pipeline.near_duplicates import known_images
from data_pipeline.near_duplicates.known_images import KnownImages
from data_pipeline.near_duplicates.sketch import sketch


def drawn(seed, **changes):
    """The entry of a drawn image, or of a copy of it."""
    image = draw(seed, (200, 160))
    image = copy_of(image, **changes) if changes else image
    return entry(f"cat/{seed}-{len(changes)}.png", "cat", sketch=sketch(np.asarray(image)))


def test_an_image_is_known_by_its_pixels_and_by_its_copies():
    trained = catalog(*(drawn(seed) for seed in range(20)))
    known = KnownImages.of(trained, np.arange(4))
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
    twice = [
        entry(f"cat/{n}.png", "cat", pixel_hash=f"{n % 2 + 1:032}", sketch=random_sketch(n % 2))
        for n in range(1, 5)
    ]
    known = KnownImages.of(catalog(*twice, entry("cat/z.png", "cat", sketch="")), np.arange(5))
    known.save(tmp_path / "known.columns")
    again = KnownImages.load(tmp_path / "known.columns")
    assert again.pixel_hashes == known.pixel_hashes
    assert len(again.pixel_hashes) == 3
    assert np.array_equal(again.sketches.read(slice(0, 9)), known.sketches.read(slice(0, 9)))
    assert len(again.sketches) == 2


def test_what_older_versions_wrote_as_text_is_read():
    """Sketches of still older ones, of another length, are left out."""
    sketches = [random_sketch(1), "A" * 88]
    arrays = {"pixel_hashes": np.array([f"{7:032}"], "S"), "sketches": np.array(sketches, "S")}
    known = KnownImages.from_arrays(arrays)
    others = catalog(
        entry("cat/a.png", "cat", sketch=random_sketch(1)),
        entry("cat/b.png", "cat", pixel_hash=f"{7:032}"),
        entry("cat/c.png", "cat"),
    )
    assert known.among(others).tolist() == [True, True, False]


def test_nothing_is_known_to_who_was_trained_on_nothing():
    known = KnownImages.of(catalog(drawn(1)), np.arange(0))
    assert not known.among(catalog(drawn(1), drawn(2))).any()


def test_all_of_many_copies_are_known_whatever_is_closest_to_each():
    """Those of one quality each are closest to one another, and not to what is known."""
    image = draw(0, (400, 300))

    def copies(crop):
        crops = (crop, crop, crop, crop)
        for quality in range(50, 98, 4):
            copied = np.asarray(copy_of(image, crop=crops, quality=quality))
            yield entry(f"cat/{crop}-{quality}.png", "cat", sketch=sketch(copied))

    known = KnownImages.of(catalog(*copies(0)), np.arange(12))
    among = known.among(catalog(*copies(0.03), drawn(7), drawn(99)))
    assert among.sum() == 12
    assert not known.among(catalog(drawn(7), drawn(99))).any()


def test_where_nothing_is_to_be_found_nothing_is_searched(monkeypatch):
    monkeypatch.setattr(known_images, "copy_pairs", None)
    trained = catalog(drawn(1), drawn(2))
    known = KnownImages.of(trained, np.arange(2))
    assert known.among(trained).all()
    assert not KnownImages.of(trained, np.arange(0)).among(trained).any()
