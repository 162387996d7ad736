"""Draw images of nine formats, and break most of them: bits, cuts, splices, headers."""

import io
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

BOTH_READ = ("JPEG", "PNG", "GIF", "WEBP", "BMP")
"""Formats that Pillow and TensorFlow read."""
FORMATS = (*BOTH_READ, "TIFF", "PPM", "AVIF", "JPEG2000")


def draw(rng: random.Random) -> bytes:
    """An image in one of the formats, in one of the forms that cameras and programs write."""
    size = (rng.randint(1, 160), rng.randint(1, 160))
    noise = np.random.default_rng(rng.getrandbits(32)).integers(0, 256, (6, 6, 4), np.uint8)
    image = Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)
    name = rng.choice(FORMATS)
    modes = {
        "JPEG": ("RGB", "L", "CMYK"),
        "PNG": ("RGB", "RGBA", "L", "LA", "P", "1", "I;16"),
        "GIF": ("P", "L"),
        "WEBP": ("RGB", "RGBA"),
        "BMP": ("RGB", "L", "P", "1"),
        "TIFF": ("RGB", "RGBA", "L", "CMYK", "P", "1", "I;16"),
        "PPM": ("RGB", "L", "1"),
        "AVIF": ("RGB", "RGBA"),
        "JPEG2000": ("RGB", "RGBA", "L"),
    }
    options: dict = {}
    if name == "JPEG":
        options = {"progressive": rng.random() < 0.3, "quality": rng.randint(5, 95)}
    if name == "TIFF":
        options = {"compression": rng.choice((None, "tiff_lzw", "tiff_deflate", "packbits"))}
    if name == "AVIF":
        options = {"speed": 10, "quality": rng.randint(5, 95)}
    if name == "WEBP":
        options = {"lossless": rng.random() < 0.4, "method": 0}
    if name in ("GIF", "WEBP") and rng.random() < 0.3:
        others = [image.rotate(turn).convert("RGB") for turn in (90, 180)]
        options |= {"save_all": True, "append_images": others}
    if name == "JPEG" and rng.random() < 0.3:
        exif = Image.Exif()
        exif[0x0112] = rng.randint(0, 9)
        options["exif"] = exif
    mode = rng.choice(modes[name])
    grey = Image.fromarray(np.asarray(image.convert("L"), np.uint16) * 257)
    buffer = io.BytesIO()
    (grey if mode == "I;16" else image.convert(mode)).save(buffer, name, **options)
    return buffer.getvalue()


def flip(data: bytearray, rng: random.Random) -> bytearray:
    """A few bits anywhere."""
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def cut(data: bytearray, rng: random.Random) -> bytearray:
    """The start of a file."""
    return data[: rng.randrange(len(data))]


def splice(data: bytearray, rng: random.Random) -> bytearray:
    """The start of one file and the end of another."""
    other = draw(rng)
    return data[: rng.randrange(len(data))] + other[rng.randrange(len(other)) :]


def head(data: bytearray, rng: random.Random) -> bytearray:
    """Bytes near the start, where sizes stand, set to values that programs trip over."""
    for _ in range(rng.randint(1, 4)):
        data[rng.randrange(min(64, len(data)))] = rng.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF))
    return data


def repeat(data: bytearray, rng: random.Random) -> bytearray:
    """A part of the file again and again."""
    start = rng.randrange(len(data))
    part = data[start : start + rng.randint(1, 400)]
    return data[:start] + part * rng.randint(2, 30) + data[start:]


def lose(data: bytearray, rng: random.Random) -> bytearray:
    """The file with a piece missing."""
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.randint(1, 64) :]


def append(data: bytearray, rng: random.Random) -> bytearray:
    """Something after the end."""
    return data + rng.randbytes(rng.randint(1, 200))


def keep(data: bytearray, rng: random.Random) -> bytearray:
    """The file as it was drawn."""
    return data


MUTATIONS: tuple[Callable[[bytearray, random.Random], bytearray], ...] = (
    flip,
    flip,
    cut,
    splice,
    head,
    repeat,
    lose,
    append,
    keep,
)


def write_files(folder: Path, numbers: range, seed: int) -> Counter:
    """Mutated files of two classes; says how many of each mutation."""
    counts: Counter = Counter()
    for number in numbers:
        rng = random.Random(f"{seed} {number}")
        mutation = rng.choice(MUTATIONS)
        counts[mutation.__name__] += 1
        label = folder / ("even", "odd")[number % 2]
        label.mkdir(parents=True, exist_ok=True)
        (label / f"{number:06}.jpg").write_bytes(mutation(bytearray(draw(rng)), rng))
    return counts
