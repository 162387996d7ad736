"""Images that were hashed before are decoded to the same pixels, without Pillow where it can be."""

import io

import numpy as np
import pytest
from drawing import draw
from PIL import Image

from data_pipeline.decoding import known_image
from data_pipeline.decoding.decode import decode
from data_pipeline.decoding.hashes import pixel_hash
from data_pipeline.decoding.known_image import decode_known
from data_pipeline.errors import BadImageError


def jpeg(seed=1, mode="RGB", orientation=1, **options):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    draw(seed, (61, 47)).convert(mode).save(file, "JPEG", exif=exif, **options)
    return file.getvalue()


def hash_of(contents):
    return pixel_hash(decode(contents)[0])


@pytest.fixture
def by_pillow(monkeypatch):
    """What Pillow was asked to decode."""
    asked, decoder = [], known_image.decode_warning

    def noted(contents):
        asked.append(contents)
        return decoder(contents)

    monkeypatch.setattr(known_image, "decode_warning", noted)
    return asked


@pytest.mark.parametrize(
    "options",
    [{"orientation": number} for number in range(1, 9)]
    + [{"mode": "L"}, {"progressive": True}, {"quality": 30}, {"subsampling": 0}],
)
def test_a_jpeg_is_decoded_by_tensorflow_to_the_same_pixels(options, by_pillow):
    contents = jpeg(**options)
    pixels = decode_known(contents, hash_of(contents))
    assert np.array_equal(pixels, decode(contents)[0])
    assert by_pillow == []


def test_what_tensorflow_would_decode_to_others_pillow_decodes(by_pillow):
    file = io.BytesIO()
    draw(1).save(file, "PNG")
    for contents in (jpeg(mode="CMYK"), file.getvalue()):
        pixels = decode_known(contents, hash_of(contents))
        assert np.array_equal(pixels, decode(contents)[0])
    assert len(by_pillow) == 2


def test_pixels_that_are_not_the_known_ones_are_never_given(monkeypatch, by_pillow):
    contents = jpeg()
    expected = decode(contents)[0]
    monkeypatch.setattr(known_image, "_by_tensorflow", lambda _: expected ^ 1)
    assert np.array_equal(decode_known(contents, pixel_hash(expected)), expected)
    assert np.array_equal(decode_known(contents, ""), expected)
    assert by_pillow == [contents, contents]


def test_a_file_that_is_another_by_now_or_broken_is_refused():
    contents = jpeg()
    with pytest.raises(BadImageError, match="is another image by now"):
        decode_known(jpeg(seed=2), hash_of(contents))
    with pytest.raises(BadImageError, match="(?i)truncated"):
        decode_known(contents[: len(contents) // 2], hash_of(contents))


def test_a_header_that_asks_for_too_much_is_not_decoded(monkeypatch):
    contents = jpeg()
    known = hash_of(contents)
    frame = contents.index(b"\xff\xc0") + 5  # height and width follow
    huge = contents[:frame] + b"\xff\xff\xff\xff" + contents[frame + 4 :]
    with pytest.raises(BadImageError, match="too many pixels"):
        decode_known(huge, known)
