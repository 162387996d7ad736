"""Small images of the user's own files."""

import io

import numpy as np
from PIL import Image

from data_pipeline.pixels.thumbnails import SIDE, thumbnails


def opened(jpeg):
    return Image.open(io.BytesIO(jpeg))


def colour_of(jpeg):
    return np.asarray(opened(jpeg).convert("RGB")).mean(axis=(0, 1))


def test_files_keep_their_proportions_and_what_is_gone_or_broken_is_shown_as_prepared(tmp_path):
    paths = [tmp_path / name for name in ("wide.png", "gone.png", "broken.png", "small.png")]
    Image.new("RGB", (2000, 1000), (250, 10, 10)).save(paths[0])
    paths[2].write_bytes(b"no image")
    Image.new("RGB", (20, 30), (10, 10, 250)).save(paths[3])
    prepared = np.full((4, 16, 16, 3), (10, 250, 10), np.uint8)
    found = thumbnails(paths, prepared)
    assert [opened(jpeg).size for jpeg in found] == [
        (SIDE, SIDE // 2),
        (16, 16),
        (16, 16),
        (20, 30),
    ]
    strongest = [int(colour_of(jpeg).argmax()) for jpeg in found]
    assert strongest == [0, 1, 1, 2]
    assert all(opened(jpeg).format == "JPEG" for jpeg in found)


def test_no_files_are_no_images():
    assert thumbnails([], np.zeros((0, 8, 8, 3), np.uint8)) == []
