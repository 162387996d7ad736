"""Make thumbnails of the user's files.

The files may have changed since they were checked. So they are read in worker processes, which
a bad file may kill.
"""

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from data_pipeline.catalog.decode import read_upright
from data_pipeline.errors import DataError
from data_pipeline.processes.workers import WITH_PILLOW, run_in_workers

SIDE = 288  # pixels of the longer side
_QUALITY = 80
_Task = tuple[int, Path, int]  # number, file, pixels of the longer side


def thumbnails(
    paths: Sequence[Path], instead: NDArray[np.uint8] | None = None, *, side: int = SIDE
) -> list[bytes]:
    """Make a small JPEG of each file, in its own proportions.

    Args:
        paths: images of any size.
        instead: uint8 [n, height, width, 3], used where a file can no longer be read; without
            it the result is b"" there.
        side: pixels of the longer side.

    Raises:
        DataError: workers cannot be started.
    """
    jpegs = _each(_of_file, paths, side)
    if instead is None:
        return jpegs
    return [jpeg or _jpeg(instead[number], side) for number, jpeg in enumerate(jpegs)]


def remains(paths: Sequence[Path], *, side: int = SIDE) -> list[bytes]:
    """Make thumbnails of what can still be read of broken files; b"" where that is nothing.

    Raises:
        DataError: workers cannot be started.
    """
    return _each(_of_broken_file, paths, side)


def _each(function: Callable[[_Task], bytes], paths: Sequence[Path], side: int) -> list[bytes]:
    jpegs = [b""] * len(paths)
    tasks = [(number, path, side) for number, path in enumerate(paths)]
    for (number, *_), result in run_in_workers(function, tasks, preload=WITH_PILLOW):
        jpegs[number] = result if isinstance(result, bytes) else b""
    return jpegs


def _of_file(task: _Task) -> bytes:  # in a worker
    try:
        return _jpeg(read_upright(task[1]), task[2])
    except (DataError, MemoryError):
        return b""


def _of_broken_file(task: _Task) -> bytes:  # in a worker
    # A global setting of Pillow, but of this worker alone, which ends with this call's pool.
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    return _of_file(task)


def _jpeg(pixels: NDArray[np.uint8], side: int) -> bytes:
    image = Image.fromarray(pixels)
    image.thumbnail((side, side))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
