"""Small pictures to look at, of the user's own files.

The files were whole when they were checked, and may be anything by now: they are read in
processes that they may take down.
"""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from data_pipeline.decode import read_upright
from data_pipeline.errors import DataError
from data_pipeline.workers import WITH_PILLOW, run_in_workers

SIDE = 288  # pixels of the longer side
_QUALITY = 80


def thumbnails(paths: Sequence[Path], instead: NDArray[np.uint8]) -> list[bytes]:
    """Each file as a small JPEG in its own proportions.

    Args:
        paths: pictures of any size.
        instead: uint8 [n, height, width, 3], shown where a file can no longer be read.

    Raises:
        DataError: workers cannot be started.
    """
    found = [b""] * len(paths)
    tasks = list(enumerate(paths))
    for (number, _), result in run_in_workers(_of_file, tasks, preload=WITH_PILLOW):
        found[number] = result if isinstance(result, bytes) else b""
    return [jpeg or _jpeg(instead[number]) for number, jpeg in enumerate(found)]


def _of_file(task: tuple[int, Path]) -> bytes:  # in a worker
    try:
        return _jpeg(read_upright(task[1]))
    except (DataError, MemoryError):
        return b""


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    image = Image.fromarray(pixels)
    image.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
