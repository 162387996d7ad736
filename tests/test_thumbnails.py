"""Small images of the user's own files."""

import io

import numpy as np
from PIL import Image

from data_pipeline.decoding.hashes import content_hash, pixel_hash
from data_pipeline.errors import DataError
from data_pipeline.pixels.thumbnails import SIDE, KnownFile, remains, thumbnails


def opened(jpeg):
    return Image.open(io.BytesIO(jpeg))


def hash_of(path):
    with Image.open(path) as image:
        return pixel_hash(np.asarray(image.convert("RGB")))


def colour_of(jpeg):
    return np.asarray(opened(jpeg).convert("RGB")).mean(axis=(0, 1))


def test_files_keep_their_proportions_and_what_is_gone_or_broken_is_shown_as_prepared(tmp_path):
    paths = [tmp_path / name for name in ("wide.png", "gone.png", "broken.png", "small.png")]
    Image.new("RGB", (2000, 1000), (250, 10, 10)).save(paths[0])
    paths[2].write_bytes(b"no image")
    Image.new("RGB", (20, 30), (10, 10, 250)).save(paths[3])
    prepared = np.full((4, 16, 16, 3), (10, 250, 10), np.uint8)
    hashes = [hash_of(path) if path.name in ("wide.png", "small.png") else "" for path in paths]
    found = thumbnails(list(map(KnownFile, paths, hashes)), prepared.__getitem__)
    assert [opened(jpeg).size for jpeg in found] == [
        (SIDE, SIDE // 2),
        (16, 16),
        (16, 16),
        (20, 30),
    ]
    strongest = [int(colour_of(jpeg).argmax()) for jpeg in found]
    assert strongest == [0, 1, 1, 2]
    assert all(opened(jpeg).format == "JPEG" for jpeg in found)


def test_only_what_is_known_by_its_hash_is_shown(tmp_path):
    """Who names the files may want to see another one."""
    private = tmp_path / "private.png"
    Image.effect_noise((90, 60), 80).save(private)
    assert thumbnails([KnownFile(private, hash_of(private))]) != [b""]
    for guess in ("", "0" * 32):
        assert thumbnails([KnownFile(private, guess)]) == [b""]
        assert remains([KnownFile(private, guess)]) == [b""]
    half = private.read_bytes()[: private.stat().st_size // 2]
    private.write_bytes(half)
    (jpeg,) = remains([KnownFile(private, content_hash(half))])
    assert opened(jpeg).size == (90, 60)


def test_no_files_are_no_images():
    assert thumbnails([], np.zeros((0, 8, 8, 3), np.uint8).__getitem__) == []


def test_what_is_gone_and_was_not_prepared_is_left_out(tmp_path):
    def gone(number):
        raise DataError(f"{number}: gone")

    Image.new("RGB", (20, 30)).save(tmp_path / "there.png")
    files = [tmp_path / "gone.png", tmp_path / "there.png"]
    known = [KnownFile(files[0], ""), KnownFile(files[1], hash_of(files[1]))]
    nothing, there = thumbnails(known, gone)
    assert nothing == b""
    assert opened(there).size == (20, 30)
