"""Make thumbnails of the user's files.

The files may have changed since they were checked. So they are read in worker processes, which
a bad file may kill. And who names them may be a stranger: only what is known by its hash is shown.
"""

import io
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from data_pipeline.decoding.decode import decode, read_bytes, read_upright
from data_pipeline.decoding.hashes import content_hash, pixel_hash
from data_pipeline.errors import BadImageError, DataError
from data_pipeline.processes.workers import WITH_PILLOW, run_in_workers

SIDE = 288  # pixels of the longer side
_QUALITY = 80


class KnownFile(NamedTuple):
    """A file and what it has to hold to be shown: a hash, of its pixels or of its bytes."""

    path: Path
    hash: str


_Task = tuple[int, KnownFile, int]  # number, file, pixels of the longer side


def thumbnails(
    files: Sequence[KnownFile],
    instead: Callable[[int], NDArray[np.uint8]] | None = None,
    *,
    side: int = SIDE,
) -> list[bytes]:
    """Make a small JPEG of each file, in its own proportions.

    Args:
        files: images of any size, with the hash of their pixels.
        instead: gives the pixels, uint8 [height, width, 3], to show where the file of a number can
            no longer be read or is another by now. Without it, or where it raises a DataError, the
            result is b"" there.
        side: pixels of the longer side.

    Raises:
        DataError: workers cannot be started.
    """
    jpegs = _each(_of_file, files, side)
    if instead is None:
        return jpegs
    for number, jpeg in enumerate(jpegs):
        if not jpeg:
            with suppress(DataError):
                jpegs[number] = _jpeg(instead(number), side)
    return jpegs


def remains(files: Sequence[KnownFile], *, side: int = SIDE) -> list[bytes]:
    """Make thumbnails of what can still be read of broken files; b"" where that is nothing.

    Args:
        files: with the hash of their bytes.
        side: pixels of the longer side.

    Raises:
        DataError: workers cannot be started.
    """
    return _each(_of_broken_file, files, side)


def _each(function: Callable[[_Task], bytes], files: Sequence[KnownFile], side: int) -> list[bytes]:
    jpegs = [b""] * len(files)
    tasks = [(number, file, side) for number, file in enumerate(files)]
    for (number, *_), result in run_in_workers(function, tasks, preload=WITH_PILLOW):
        jpegs[number] = result if isinstance(result, bytes) else b""
    return jpegs


def _of_file(task: _Task) -> bytes:  # in a worker
    _, file, side = task
    try:
        pixels = read_upright(file.path)
        return _jpeg(pixels, side) if pixel_hash(pixels) == file.hash else b""
    except (DataError, MemoryError):
        return b""


def _of_broken_file(task: _Task) -> bytes:  # in a worker
    # A global setting of Pillow, but of this worker alone, which ends with this call's pool.
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    _, file, side = task
    try:
        contents, _ = read_bytes(file.path)
        return _jpeg(decode(contents)[0], side) if content_hash(contents) == file.hash else b""
    except (BadImageError, MemoryError):
        return b""


def _jpeg(pixels: NDArray[np.uint8], side: int) -> bytes:
    image = Image.fromarray(pixels)
    image.thumbnail((side, side))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
