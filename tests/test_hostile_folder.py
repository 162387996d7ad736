"""Folders made to break what looks at them, through the real worker processes."""

import io
import json
import os
import stat
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from drawing import draw
from PIL import Image

from data_pipeline.catalog.quarantine import quarantine, restore
from data_pipeline.pixels.resize import resize
from data_pipeline.preparation.prepare import prepare
from search.cli import _run


def png(width, height, data=b"", colours=2):
    """A PNG with whatever size its header says, all parts with right checksums."""

    def part(kind, content):
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, colours, 0, 0, 0)
    ends = part(b"IDAT", zlib.compress(data)) + part(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + ends


def gif(width, height, frames, frame_size=(1, 1)):
    """A GIF with so many frames of one colour."""
    start = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    frame = b"," + struct.pack("<HHHHB", 0, 0, *frame_size, 0) + b"\2\2D\1\0"
    return start + frame * frames + b";"


def jpeg_with_height(height):
    """A JPEG whose header claims another height."""
    buffer = io.BytesIO()
    draw(1).save(buffer, "JPEG")
    content = bytearray(buffer.getvalue())
    at = content.index(b"\xff\xc0") + 5
    content[at : at + 2] = struct.pack(">H", height)
    return bytes(content)


HOSTILE = {
    "bomb.png": (png(60_000, 60_000), "too many pixels"),
    "swollen.png": (png(10, 10, bytes(2**26)), None),
    "no_width.png": (png(0, 10), "not an image"),
    "no_data.png": (png(100, 100), "truncated"),
    "no_height.jpg": (jpeg_with_height(0), "not an image"),
    "tall.jpg": (jpeg_with_height(65_000), None),
    "screen.gif": (gif(65_535, 65_535, 1), "too many pixels"),
    "no_size.gif": (gif(0, 0, 1, (0, 0)), ""),
    "endless.gif": (gif(1, 1, 50_000), None),
    "no_size.bmp": (
        b"BM" + struct.pack("<IIIIIIHHIIIIII", 54, 0, 54, 40, 0, 0, 1, 24, *[0] * 6),
        "",
    ),
    "words.webp": (b"RIFF\xff\xff\xff\xffWEBPVP8X" + bytes(20), ""),
}
"""File → its bytes and how its reason starts; None where it may be kept."""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A folder with all of it in it, checked and prepared: (catalog, pixels)."""
    folder = tmp_path_factory.mktemp("hostile")
    root = folder / "photos"
    for label in ("good", "odd"):
        (root / label).mkdir(parents=True)
    for number in range(4):
        draw(number).save(root / "good" / f"{number}.png")
    for name, (contents, _) in HOSTILE.items():
        (root / "odd" / name).write_bytes(contents)
    Image.new("RGB", (1, 60_000), "red").save(root / "odd" / "thin.png")
    Image.new("RGB", (60_000, 1), "red").save(root / "odd" / "flat.png")
    Image.new("RGBA", (9400, 9400), "red").save(root / "odd" / "large.png", compress_level=1)
    os.mkfifo(root / "odd" / "pipe.png")
    (root / "odd" / "zero.png").symlink_to("/dev/zero")
    catalog, (pixels,) = prepare(
        root, image_sizes=[(16, 16)], resize_mode="crop", cache_dir=folder / "cache"
    )
    return catalog, pixels


def reasons(catalog):
    return {Path(entry.path).name: entry.reason for entry in catalog.entries}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_image_is_set_aside_with_a_reason(hostile, name):
    expected, reason = HOSTILE[name][1], reasons(hostile[0])[name]
    if expected is not None:
        assert reason
        assert reason.startswith(expected)
        assert len(reason) < 150


def test_large_thin_and_flat_images_are_images(hostile):
    catalog, pixels = hostile
    found = reasons(catalog)
    assert found["thin.png"] == found["flat.png"] == found["large.png"] == ""
    rows = {Path(entry.path).name: row for row, entry in enumerate(catalog.kept)}
    red = np.broadcast_to(np.array([255, 0, 0], np.uint8), (16, 16, 3))
    for name in ("thin.png", "flat.png", "large.png"):
        assert np.array_equal(pixels.open()[rows[name]], red)


def test_what_is_no_file_is_not_opened(hostile):
    found = reasons(hostile[0])
    assert found["pipe.png"] == "not a regular file"
    assert found["zero.png"] == "symbolic link out of the folder"


def test_the_good_ones_are_there_all_the_same(hostile):
    catalog, pixels = hostile
    for row, entry in enumerate(catalog.kept):
        if entry.label == "good":
            picture = np.asarray(draw(int(Path(entry.path).stem)))
            expected = resize(picture, (16, 16), resize_mode="crop")
            assert np.array_equal(pixels.open()[row], expected)


def test_a_device_is_not_opened(photos, cache_dir, monkeypatch):
    try:
        os.mknod(photos / "cat" / "zero.png", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("no devices can be made here")
    from data_pipeline.listing.class_folders import list_class_folders

    problems = {file.path: file.problem for file in list_class_folders(photos).files}
    assert problems["cat/zero.png"] == "not a regular file"


ODD = [b"new\nline.png", b"-rf.png", b"quo\"te'.png", b"caf\xe9.png", b"\x1b[2J.png", b" .png"]


@pytest.fixture
def odd_names(tmp_path):
    """Bad files of odd names in class folders of odd names."""
    root = os.fsencode(tmp_path / "photos")
    for folder in (b"caf\xe9", b"new\nline", b"-rf"):
        os.makedirs(os.path.join(root, folder))  # noqa: PTH103, PTH118
        for name in ODD:
            Path(os.fsdecode(os.path.join(root, folder, name))).write_bytes(folder + name)  # noqa: PTH118
    return tmp_path / "photos"


def contents(root):
    return {os.fsencode(p): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_odd_names_are_reported_moved_and_put_back(odd_names, cache_dir, tmp_path, capsys):
    before = contents(odd_names)
    command = ["clean", str(odd_names), "--cache-dir", str(cache_dir)]
    assert _run([*command, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out.encode().decode())
    bad = [file["path"] for files in summary["bad_by_reason"].values() for file in files]
    assert {os.fsencode(odd_names / path) for path in bad} == set(before)
    assert _run([*command, "--quarantine", str(tmp_path / "aside")]) == 0
    printed = capsys.readouterr().out
    printed.encode()
    assert "\x1b" not in printed
    assert contents(odd_names) == {}
    assert len(contents(tmp_path / "aside")) == len(before) + 1
    assert _run(["restore", str(tmp_path / "aside")]) == 0
    assert contents(odd_names) == before


def test_a_catalog_of_odd_names_is_remembered(odd_names, cache_dir, monkeypatch):
    from data_pipeline.preparation import prepare as module

    monkeypatch.setattr(
        module, "run_in_workers", lambda function, tasks, **_: ((t, function(t)) for t in tasks)
    )
    first = module.open_catalog(odd_names, cache_dir=cache_dir)
    monkeypatch.setattr(module, "run_in_workers", None)
    assert module.open_catalog(odd_names, cache_dir=cache_dir) == first
    assert quarantine(first, cache_dir.parent / "aside") == len(first.entries)
    assert restore(cache_dir.parent / "aside") == len(first.entries)
