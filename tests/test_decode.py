import os

import numpy as np
import pytest
from drawing import draw
from PIL import Image

from data_pipeline.catalog.decode import decode, read_bytes, read_upright
from data_pipeline.errors import BadImageError, DataError


@pytest.mark.parametrize("suffix", ["png", "bmp"])
def test_a_lossless_image_comes_back_pixel_by_pixel(tmp_path, suffix):
    path = tmp_path / f"one.{suffix}"
    draw(1).save(path)
    assert np.array_equal(read_upright(path), np.asarray(draw(1)))


@pytest.mark.parametrize("format_name", ["JPEG", "GIF", "WEBP"])
def test_the_name_does_not_matter_and_lossy_formats_come_close(tmp_path, format_name):
    path = tmp_path / "picture.txt"
    draw(1).save(path, format_name)
    pixels, found = decode(path.read_bytes())
    assert found == format_name
    assert np.abs(pixels.astype(int) - np.asarray(draw(1))).mean() < 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_once(tmp_path, orientation):
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = draw(1) if orientation == 1 else draw(1).transpose(undo[orientation])
    stored.save(tmp_path / "one.png", exif=exif)
    assert np.array_equal(read_upright(tmp_path / "one.png"), np.asarray(draw(1)))


def test_sixteen_bit_grey_keeps_its_tones(tmp_path):
    tones = np.linspace(0, 65535, 64, dtype=np.uint16).reshape(8, 8)
    Image.fromarray(tones).save(tmp_path / "deep.png")
    assert np.array_equal(read_upright(tmp_path / "deep.png")[..., 1], tones >> 8)


def test_transparent_pixels_lie_over_white(tmp_path):
    image = draw(1).convert("RGBA")
    image.putalpha(0)
    image.save(tmp_path / "glass.png")
    palette = draw(1).convert("P")
    palette.save(tmp_path / "palette.png", transparency=bytes(256))
    assert (read_upright(tmp_path / "glass.png") == 255).all()
    assert (read_upright(tmp_path / "palette.png") == 255).all()


def test_cmyk_and_grey_become_rgb(tmp_path):
    draw(1).convert("CMYK").save(tmp_path / "print.jpg", quality=95)
    draw(1).convert("L").save(tmp_path / "grey.png")
    printed = read_upright(tmp_path / "print.jpg").astype(int)
    assert np.abs(printed - np.asarray(draw(1))).mean() < 12
    grey = read_upright(tmp_path / "grey.png")
    assert np.array_equal(grey[..., 0], np.asarray(draw(1).convert("L")))
    assert np.array_equal(grey[..., 0], grey[..., 2])


def test_the_first_frame_of_an_animation_is_taken(tmp_path):
    first, second = draw(1).quantize(), draw(2).quantize()
    first.save(tmp_path / "film.gif", save_all=True, append_images=[second])
    pixels = read_upright(tmp_path / "film.gif").astype(int)
    assert np.abs(pixels - np.asarray(draw(1))).mean() < 12


def _truncated(contents):
    return contents[: len(contents) // 2]


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (lambda jpeg, png: b"", "empty file"),
        (lambda jpeg, png: b"these are words", "not an image"),
        (lambda jpeg, png: _truncated(jpeg), "truncated"),
        (lambda jpeg, png: _truncated(png), "truncated"),
        (lambda jpeg, png: png[:41] + b"rubbish" + png[48:], "Pillow"),
    ],
)
def test_broken_contents_say_why(tmp_path, contents, reason):
    draw(1, (200, 150)).save(tmp_path / "one.jpg")
    draw(1, (200, 150)).save(tmp_path / "one.png")
    broken = contents(*((tmp_path / f"one.{end}").read_bytes() for end in ("jpg", "png")))
    with pytest.raises(BadImageError, match=f"^{reason}"):
        decode(broken)


def test_formats_that_tensorflow_lacks_are_no_images(tmp_path):
    draw(1).save(tmp_path / "one.tif")
    with pytest.raises(BadImageError, match="not an image"):
        decode((tmp_path / "one.tif").read_bytes())


def test_a_decompression_bomb_is_refused_by_its_header(tmp_path):
    Image.new("1", (9500, 9500)).save(tmp_path / "bomb.png")
    with pytest.raises(BadImageError, match="too many pixels"):
        decode((tmp_path / "bomb.png").read_bytes())


def test_a_thin_image_is_an_image(tmp_path):
    Image.new("RGB", (1, 60000)).save(tmp_path / "thin.png")
    assert read_upright(tmp_path / "thin.png").shape == (60000, 1, 3)


def test_a_fifo_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(BadImageError, match="not a regular file"):
        read_bytes(tmp_path / "pipe.jpg")


@pytest.mark.parametrize("change", [b"more", b""])
def test_a_file_that_grows_or_shrinks_while_it_is_read_is_bad(tmp_path, monkeypatch, change):
    path = tmp_path / "one.png"
    path.write_bytes(b"picture")
    look = os.fstat

    def look_and_change(handle):
        status = look(handle)
        path.write_bytes(b"picture" + change if change else b"pic")
        return status

    monkeypatch.setattr(os, "fstat", look_and_change)
    with pytest.raises(BadImageError, match="changed while it was read"):
        read_bytes(path)


def test_a_huge_file_is_not_read(tmp_path):
    (tmp_path / "huge.png").touch()
    os.truncate(tmp_path / "huge.png", 2**40)
    with pytest.raises(BadImageError, match="too large"):
        read_bytes(tmp_path / "huge.png")


def test_read_upright_names_the_file_and_what_to_do(tmp_path):
    (tmp_path / "words.jpg").write_text("words")
    with pytest.raises(
        DataError, match=r"words\.jpg: not an image; expected .* leave the file out"
    ):
        read_upright(tmp_path / "words.jpg")
    with pytest.raises(DataError, match="unreadable: No such file"):
        read_upright(tmp_path / "absent.jpg")
