"""Small drawn images, folders of them, and catalogs that need no files at all."""

import base64
import hashlib
import io
import os
import signal
import sys
import time
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from data_pipeline.catalog.entries import Catalog
from data_pipeline.catalog.entry import Entry


def draw(seed: int, size: tuple[int, int] = (40, 30)) -> Image.Image:
    """An image of (width, height) like no other: large smooth blobs of many colours."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def copy_of(
    image: Image.Image,
    *,
    crop: tuple[float, float, float, float] = (0, 0, 0, 0),
    scale: float = 1.0,
    brightness: float = 1.0,
    gamma: float = 1.0,
    quality: int = 90,
) -> Image.Image:
    """A copy as it comes back from the web: cropped by shares of its sides, left first."""
    (width, height), (left, top, right, bottom) = image.size, crop
    image = image.crop(
        (
            round(width * left),
            round(height * top),
            width - round(width * right),
            height - round(height * bottom),
        )
    )
    image = image.resize((round(image.width * scale), round(image.height * scale)))
    image = image.point(lambda value: min(255, round(255 * (value / 255) ** gamma * brightness)))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def draw_folder(folder: Path, counts: dict[str, int]) -> Path:
    """Class folders with so many PNG images each, all different."""
    for number, (label, count) in enumerate(counts.items()):
        (folder / label).mkdir(parents=True)
        for index in range(count):
            draw(1000 * number + index).save(folder / label / f"{label}_{index}.png")
    return folder


def entry(path: str, label: str, **values) -> Entry:
    """A kept entry, of an image like no other unless hashes or a sketch are given."""
    defaults = {
        "split": None,
        "bytes": 100,
        "mtime_ns": 1,
        "format": "PNG",
        "width": 40,
        "height": 30,
        "content_hash": f"content of {path}",
        "pixel_hash": f"pixels of {path}",
        "sketch": random_sketch(zlib.crc32(os.fsencode(path))),
        "verdict": "kept",
    }
    given = {**defaults, **values}
    for name in ("content_hash", "pixel_hash"):
        given[name] = _hash(given[name])
    return Entry(path=path, label=label, **given)


def _hash(text: str) -> str:
    """A hash as text is, or one that follows from other text."""
    is_hash = len(text) == 32 and set(text) <= set("0123456789abcdef")
    return text if is_hash else hashlib.md5(os.fsencode(text)).hexdigest()


def random_sketch(seed: int) -> str:
    """A sketch like no other."""
    numbers = np.random.default_rng(seed).integers(-127, 128, 705, np.int8)
    return base64.b64encode(numbers.tobytes()).decode()


def catalog(*entries: Entry) -> Catalog:
    """A catalog of entries whose files do not exist."""
    labels = tuple(sorted({one.label for one in entries}))
    return Catalog(Path("photos"), tuple(entries), labels)


def numbered(counts: dict[str, int], **values) -> Catalog:
    """A catalog with so many different kept images of each label."""
    return catalog(
        *(
            entry(f"{label}/{index}.png", label, **values)
            for label, count in counts.items()
            for index in range(count)
        )
    )


def hostile_task(task: str) -> str:
    """What a worker does with a file that is out to break it."""
    if task == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "hang":
        time.sleep(600)
    if task == "burn":
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2**30)  # minutes in C, deaf to Python's signals
    if task.startswith("wait"):
        time.sleep(1)
    if task.startswith("compute"):
        end = time.process_time() + 0.2
        while time.process_time() < end:
            pass
    if task == "eat":
        np.ones(2**33, np.uint8)
    return task.upper()


def hostile_read(task: tuple[int, Path]) -> np.ndarray | str:
    """What a worker of `read_images` does where a name says what its decoder does."""
    hostile_task(task[1].stem)
    return np.full((20, 30, 3), task[0], np.uint8)


def modules_loaded(name: str) -> list[str]:
    """Those modules of a package that a worker has."""
    return [module for module in sys.modules if module.split(".")[0] == name]


def server_has_loaded(name: str) -> tuple[int, bool]:
    """The server that this worker was forked from, and whether it has a library of that name."""
    server = os.getppid()
    return server, name in Path(f"/proc/{server}/maps").read_text()
