"""Read images for a finished model, in worker processes that a bad file may kill."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_pipeline.decoding.decode import read_upright
from data_pipeline.errors import DataError
from data_pipeline.pixels.resize import resize
from data_pipeline.pixels.resize_mode import ResizeMode
from data_pipeline.processes.limits import Failure
from data_pipeline.processes.standing_workers import StandingWorkers
from data_pipeline.processes.workers import WITH_PILLOW, run_in_workers, start_server

# Files per set of workers. Starting workers takes a tenth of a second, so not too few; and all
# images that overtake a slow one wait in memory until it is there, so not too many.
_WINDOW = 512
_WINDOW_BYTES = 256 * 2**20
_REMEDY = "leave the file out or save it anew"

Read = tuple[np.ndarray | None, str]
"""Pixels, uint8 [height, width, 3], and ""; or None and the reason."""


@dataclass(frozen=True)
class Image:
    """An image that is ready for a model.

    Attributes:
        pixels: uint8 [height, width, 3], 0–255, resized.
        size: (height, width) of the whole, upright image.
    """

    pixels: np.ndarray
    size: tuple[int, int]


def get_ready() -> None:
    """Begin to start the processes that `read_images` and `ImageReader` need, without waiting."""
    start_server(WITH_PILLOW)


def read_images(
    paths: Sequence[Path],
    *,
    image_size: tuple[int, int],
    resize_mode: ResizeMode,
    workers: int | None = None,
) -> Iterator[Read]:
    """Read files as the check does, in the order of `paths`; a bad one does not affect others.

    The workers load Pillow but not TensorFlow, and start in a fifth of the time that a model
    takes to load. They send whole images, one at a time, which are resized in this process.

    Args:
        paths: any files.
        image_size: (height, width) of the result.
        resize_mode: how an image of another shape is made to fit.
        workers: processes; None for one per core.

    Raises:
        DataError: workers cannot be started.
    """
    row_bytes = image_size[0] * image_size[1] * 3
    size = max(16, min(_WINDOW, _WINDOW_BYTES // row_bytes))
    for start in range(0, len(paths), size):
        tasks = list(enumerate(paths[start : start + size]))
        done: dict[int, Read] = {}
        turn = 0
        results = run_in_workers(_read, tasks, workers=workers, chunk=1, preload=WITH_PILLOW)
        for (number, _), result in results:
            done[number] = _prepared(result, image_size, resize_mode)
            while turn in done:
                yield done.pop(turn)
                turn += 1


def _read(task: tuple[int, Path]) -> np.ndarray | str:  # in a worker
    path = task[1]
    try:
        return read_upright(path)
    except DataError as error:
        return str(error).removeprefix(f"{path}: ")
    except MemoryError:
        return "out of memory"


class ImageReader:
    """Reads one image at a time for each of any number of threads.

    Its workers resize the images as well: whole images for many threads might not fit into the
    memory of this process.

    Args:
        image_size: (height, width) of the result.
        resize_mode: how an image of another shape is made to fit.
        workers: processes; None for one per core.
    """

    def __init__(
        self, *, image_size: tuple[int, int], resize_mode: ResizeMode, workers: int | None = None
    ) -> None:
        self._wanted = (image_size, resize_mode)
        self._workers = StandingWorkers(workers=workers, preload=WITH_PILLOW)

    def read(self, path: Path) -> Image | str:
        """Read and resize one image, or return the reason why that fails.

        Raises:
            DataError: workers cannot be started, or `close` was called.
        """
        result = self._workers.run(_read_small, (path, *self._wanted))
        return f"{result.reason}; {_REMEDY}" if isinstance(result, Failure) else result

    def close(self) -> None:
        """End the workers."""
        self._workers.close()


def _read_small(task: tuple[Path, tuple[int, int], ResizeMode]) -> Image | str:  # in a worker
    path, image_size, resize_mode = task
    whole = _read((0, path))
    if isinstance(whole, str):
        return whole
    try:
        pixels = resize(whole, image_size, resize_mode=resize_mode)
    except MemoryError:
        return "out of memory"
    return Image(pixels, (whole.shape[0], whole.shape[1]))


def _prepared(
    result: np.ndarray | str | Failure, image_size: tuple[int, int], resize_mode: ResizeMode
) -> Read:
    if isinstance(result, Failure):
        return None, f"{result.reason}; {_REMEDY}"
    if isinstance(result, str):
        return None, result
    try:
        return resize(result, image_size, resize_mode=resize_mode), ""
    except MemoryError:
        return None, "out of memory"
