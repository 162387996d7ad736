"""Name and map prepared pixels: the kept images at one size in one file, all or the first ones."""

import errno
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from data_pipeline.catalog.entries import Catalog
from data_pipeline.pixels.resize_mode import ResizeMode

# Increase it when decoding, resizing or the file's layout changes: old files are then replaced.
_VERSION = 2
_FIRST = "first"


@dataclass(frozen=True)
class PreparedPixels:
    """A finished file of pixels; row i belongs to `catalog.kept[i]`.

    Attributes:
        path: of the file.
        image_size: (height, width).
        fingerprint: of the images and how they are prepared.
        first: the images are those of so many files, the first ones; None for all.
    """

    path: Path
    image_size: tuple[int, int]
    fingerprint: str
    first: int | None = None

    def of(self, files: int) -> int:
        """How many files its images are of, where there are so many."""
        return files if self.first is None else min(self.first, files)

    def open(self) -> np.ndarray:
        """Map the file: uint8 [images, height, width, 3], 0–255.

        All processes that map the file share its pages, which are read when first used. The
        array is writeable, since TensorFlow takes no other memory without a copy; what is
        written to it does not reach the file.
        """
        return np.load(self.path, mmap_mode="c", allow_pickle=False)

    def is_whole(self, rows: int) -> bool:
        """Tell whether the file exists and has the shape that it should have."""
        try:
            array = self.open()
        except (OSError, ValueError, EOFError):
            return False
        return array.dtype == np.uint8 and array.shape == (rows, *self.image_size, 3)


@dataclass(frozen=True)
class Donor:
    """Prepared pixels of other images of the same kind, of which some may be the same.

    Attributes:
        pixels: uint8 [n, height, width, 3], as `PreparedPixels.open` maps them.
        rows: row of an image by the hash of its pixels.
    """

    pixels: np.ndarray
    rows: Mapping[str, int]


def pixels_of(
    catalog: Catalog,
    image_size: tuple[int, int],
    resize_mode: ResizeMode,
    cache_dir: Path,
    *,
    first: int | None = None,
) -> PreparedPixels:
    """Name the file of these images at this size, whether it exists or not.

    Args:
        catalog, image_size, resize_mode: what is in it.
        cache_dir: where it is kept.
        first: it holds the images of so many files, the first ones; None for all.
    """
    digest = hashlib.sha256(f"{_VERSION} {image_size} {resize_mode}".encode())
    for piece in catalog.kept.content_hashes.pieces():
        digest.update(piece)
    fingerprint = digest.hexdigest()[:32]
    height, width = image_size
    # The features that lie beside it do not depend on how much of it is there.
    suffix = ".npy" if first is None else f".{_FIRST}{first}"
    path = cache_dir / "prepared" / f"{fingerprint}-{height}x{width}{suffix}"
    return PreparedPixels(path, image_size, fingerprint, first)


def parts_of(pixels: PreparedPixels) -> list[PreparedPixels]:
    """Find the files that hold the first of these images, the largest first."""
    found = pixels.path.parent.glob(f"{pixels.path.stem}.{_FIRST}*")
    numbers = [path.suffix.removeprefix(f".{_FIRST}") for path in found]
    firsts = sorted((int(number) for number in numbers if number.isdecimal()), reverse=True)
    return [
        replace(pixels, path=pixels.path.with_suffix(f".{_FIRST}{first}"), first=first)
        for first in firsts
    ]


def largest_there(path: Path) -> Path:
    """The file to take for a path that a run has noted: it may have been replaced by another.

    Raises:
        FileNotFoundError: there is none.
    """
    pixels = PreparedPixels(path, (0, 0), "")
    names = (path, path.with_suffix(".npy"), *(part.path for part in parts_of(pixels)))
    found = next((name for name in names if name.exists()), None)
    if found is None:
        raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
    return found
