"""Small drawn pictures, folders of them, and catalogs that need no files at all."""

import os
import signal
import sys
import time
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from data_pipeline.catalog import Catalog, Entry


def draw(seed: int, size: tuple[int, int] = (40, 30)) -> Image.Image:
    """A picture of (width, height) like no other: large smooth blobs of many colours."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def draw_folder(folder: Path, counts: dict[str, int]) -> Path:
    """Class folders with so many PNG pictures each, all different."""
    for number, (label, count) in enumerate(counts.items()):
        (folder / label).mkdir(parents=True)
        for index in range(count):
            draw(1000 * number + index).save(folder / label / f"{label}_{index}.png")
    return folder


def entry(path: str, label: str, **values) -> Entry:
    """A kept entry, of a picture like no other unless hashes are given."""
    name = os.fsencode(path)
    looks = zlib.crc32(name) << 32 | zlib.crc32(name[::-1])
    defaults = {
        "split": None,
        "bytes": 100,
        "mtime_ns": 1,
        "format": "PNG",
        "width": 40,
        "height": 30,
        "content_hash": f"content of {path}",
        "pixel_hash": f"pixels of {path}",
        "perceptual_hash": f"{looks:016x}",
        "verdict": "kept",
    }
    return Entry(path=path, label=label, **{**defaults, **values})


def catalog(*entries: Entry) -> Catalog:
    """A catalog of entries whose files do not exist."""
    labels = tuple(sorted({one.label for one in entries}))
    return Catalog(Path("photos"), tuple(entries), labels)


def numbered(counts: dict[str, int], **values) -> Catalog:
    """A catalog with so many different kept pictures of each label."""
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
    if task == "eat":
        np.ones(2**33, np.uint8)
    return task.upper()


def hostile_read(task: tuple[int, Path]) -> np.ndarray | str:
    """What a worker of `read_pictures` does where a name says what its decoder does."""
    hostile_task(task[1].stem)
    return np.full((20, 30, 3), task[0], np.uint8)


def modules_loaded(name: str) -> list[str]:
    """Those modules of a package that a worker has."""
    return [module for module in sys.modules if module.split(".")[0] == name]
