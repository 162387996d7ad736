import os
import struct
import zlib

import numpy as np
import pytest
from drawing import draw
from PIL import Image

from data_pipeline.decoding.decode import decode, read_bytes, read_upright
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


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_once(tmp_path, orientation, suffix):
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
    lossless = {"lossless": True} if suffix == "webp" else {}
    stored.save(tmp_path / f"one.{suffix}", exif=exif, **lossless)
    assert np.array_equal(read_upright(tmp_path / f"one.{suffix}"), np.asarray(draw(1)))


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


@pytest.mark.parametrize(
    ("format_name", "options", "largest"),
    [
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("TIFF", {"compression": "jpeg", "quality": 95}, 30),
        ("PPM", {}, 0),
        ("JPEG2000", {"irreversible": False}, 0),
        ("AVIF", {"quality": 95}, 60),
    ],
)
def test_formats_that_tensorflow_lacks_are_images_too(tmp_path, format_name, options, largest):
    path = tmp_path / "picture.jpg"
    draw(1).save(path, format_name, **options)
    pixels, found = decode(path.read_bytes())
    assert found == format_name
    assert np.abs(pixels.astype(int) - np.asarray(draw(1))).max() <= largest


def test_an_image_from_a_phone_is_read_where_its_package_is_installed(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    heif = pillow_heif.from_pillow(draw(1))
    heif.save(tmp_path / "photo.heic", quality=95)
    contents = (tmp_path / "photo.heic").read_bytes()
    pixels, found = decode(contents)
    assert found == "HEIF"
    assert np.abs(pixels.astype(int) - np.asarray(draw(1))).mean() < 12


def test_the_first_page_of_a_tiff_is_taken(tmp_path):
    draw(1).save(tmp_path / "pages.tif", save_all=True, append_images=[draw(2)])
    assert np.array_equal(read_upright(tmp_path / "pages.tif"), np.asarray(draw(1)))


def with_chunk(png, name, data):
    """A PNG with one more chunk after its header."""
    body = name + data
    chunk = struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
    return png[:33] + chunk + png[33:]


def test_grey_values_are_scaled_by_the_depth_that_a_file_declares(tmp_path):
    tones = np.linspace(0, 4095, 64, dtype=np.uint16).reshape(8, 8)
    image = Image.fromarray(tones)
    image.save(tmp_path / "deep.png")
    png = (tmp_path / "deep.png").read_bytes()
    assert np.array_equal(decode(png)[0][..., 0], tones >> 8)
    assert np.array_equal(decode(with_chunk(png, b"sBIT", bytes([12])))[0][..., 0], tones >> 4)
    image.save(tmp_path / "deep.tif", tiffinfo={281: 4095})
    assert np.array_equal(read_upright(tmp_path / "deep.tif")[..., 0], tones >> 4)
    too_bright = Image.fromarray(tones + 100)
    too_bright.save(tmp_path / "bright.tif", tiffinfo={281: 4095})
    assert read_upright(tmp_path / "bright.tif")[..., 0].max() == 255
    # PGM declares its largest value, which Pillow scales to 16 bits.
    (tmp_path / "deep.pgm").write_bytes(b"P5 8 8 4095\n" + tones.astype(">u2").tobytes())
    assert np.abs(read_upright(tmp_path / "deep.pgm")[..., 0].astype(int) - (tones >> 4)).max() <= 1


def test_grey_values_without_a_range_are_refused(tmp_path):
    for values in (np.linspace(0, 1, 64, dtype=np.float32), np.arange(64, dtype=np.int32) * 2000):
        Image.fromarray(values.reshape(8, 8)).save(tmp_path / "odd.tif")
        with pytest.raises(BadImageError, match="grey values beyond 16 bits: save it with 8 or 16"):
            decode((tmp_path / "odd.tif").read_bytes())


@pytest.mark.parametrize("tags", [{50706: b"\x01\x04\x00\x00"}, {254: 1, 330: 8}])
def test_the_preview_in_a_raw_file_is_not_taken_for_the_photo(tmp_path, tags):
    draw(1).save(tmp_path / "raw.dng", "TIFF", tiffinfo=tags)
    with pytest.raises(BadImageError, match="format not supported: camera raw; export it as JPEG"):
        decode((tmp_path / "raw.dng").read_bytes())


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (b"\x00\x00\x00\x18ftypcrx \x00", "format not supported: CR3; export it as JPEG or TIFF"),
        (
            b"8BPS" + bytes(30),
            r"format not supported: Photoshop \(PSD\); save it as JPEG, PNG or T",
        ),
        (bytes(128) + b"DICM" + bytes(9), "format not supported: DICOM; save it"),
        (b"  <?xml version='1.0'?><svg/>", "format not supported: SVG"),
        (b"%PDF-1.7", "format not supported: PDF"),
        (b"\n<!DOCTYPE html><html>", "not an image: HTML page$"),
        (b"PK\x03\x04" + bytes(99), "not an image: ZIP archive$"),
        (b"\x00\x00\x00\x20ftypisom", "not an image: MP4 or QuickTime video$"),
        (b"RIFF\x10\x00\x00\x00AVI LIST", "not an image: AVI video$"),
        (b"these are words", "not an image$"),
    ],
)
def test_what_is_not_read_is_said_as_what_it_is(contents, reason):
    with pytest.raises(BadImageError, match=f"^{reason}"):
        decode(contents)


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
