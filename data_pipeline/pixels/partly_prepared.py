"""Images of which some are prepared on disk, and the others are decoded when they are needed.

A training draws its images in a new order each epoch, each once: to replace some of those on disk
by others would save no decoding, so that the same ones stay.
"""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from data_pipeline.decoding.decode import decode_warning, read_bytes
from data_pipeline.decoding.hashes import pixel_hash
from data_pipeline.errors import BadImageError, DataError
from data_pipeline.pixels.resize import resize
from data_pipeline.pixels.resize_mode import ResizeMode
from data_pipeline.processes.cores import own_cores

_TRIES, _PAUSE_SECONDS = 3, 0.5  # to read a file


class OriginalFiles(NamedTuple):
    """Where images come from.

    Attributes:
        root: their folder.
        paths: of each image in it.
        pixel_hashes: by which an image is known to be the one that was checked; "" where that is
            not known.
    """

    root: Path
    paths: Sequence[str]
    pixel_hashes: Sequence[str]


class Originals:
    """The files that images were prepared from, decoded anew.

    Args:
        find: gives them.
        resize_mode: how an image of another shape is made to fit.

    Attributes:
        lost: why a file could not be decoded that was usable before; None where all could.
    """

    def __init__(self, find: Callable[[], OriginalFiles], resize_mode: ResizeMode) -> None:
        self._find, self._resize_mode = find, resize_mode
        self.lost: DataError | None = None

    @cached_property
    def _files(self) -> OriginalFiles:
        # For all threads at once: what `warnings` changes for a while, it changes for all.
        warnings.filterwarnings("ignore", module="PIL")
        return self._find()

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        # Decoding and resizing release Python's lock.
        return ThreadPoolExecutor(own_cores(), thread_name_prefix="decode")

    def decode(self, rows: Sequence[int], image_size: tuple[int, int]) -> list[np.ndarray]:
        """Decode images in parallel, uint8 [*image_size, 3] each: as they would be prepared.

        Raises:
            DataError: a file is gone or has changed.
            MemoryError: there is too little memory.
        """
        return list(self._threads.map(lambda row: self._decoded(row, image_size), rows))

    @contextmanager
    def naming_lost_files(self) -> Iterator[None]:
        """Raise `lost` in place of what TensorFlow makes of it.

        Raises:
            DataError: a file is gone or has changed.
        """
        self.lost = None
        try:
            yield
        except Exception as error:
            if self.lost is not None and not isinstance(error, DataError):
                raise self.lost from error
            raise

    def _decoded(self, row: int, image_size: tuple[int, int]) -> np.ndarray:
        root, paths, pixel_hashes = self._files
        path = root / paths[row]
        try:
            pixels, _ = decode_warning(_read(path))
            if pixel_hashes[row] and pixel_hash(pixels) != pixel_hashes[row]:
                raise BadImageError("is another image by now")
        except BadImageError as error:
            if isinstance(error.__cause__, MemoryError):
                raise MemoryError from error
            self.lost = DataError(f"{path}: {error}; it was usable when it was checked")
            raise self.lost from error
        return resize(pixels, image_size, resize_mode=self._resize_mode)


def _read(path: Path) -> bytes:
    """Read a file, more than once where that fails: a network disk may be slow for a moment."""
    for _ in range(_TRIES - 1):
        with suppress(BadImageError):
            return read_bytes(path)[0]
        time.sleep(_PAUSE_SECONDS)
    return read_bytes(path)[0]


class PartlyPrepared:
    """Images of a data set as one array, as far as rows of it are read.

    Args:
        prepared: uint8 [n, height, width, 3], the first n images.
        images: how many there are in all.
        originals: that the others are decoded from.
    """

    def __init__(self, prepared: np.ndarray, images: int, originals: Originals) -> None:
        self.prepared = prepared
        self.shape = (images, *prepared.shape[1:])
        self.nbytes = int(np.prod(self.shape))
        self._originals = originals

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any, /) -> np.ndarray:
        """Read rows: a number, a slice or an array of numbers.

        Raises:
            DataError: the file of an image is gone or has changed.
            IndexError: there is no such row.
        """
        chosen = self._numbers(rows)
        wanted = np.atleast_1d(chosen)
        images = np.empty((len(wanted), *self.shape[1:]), np.uint8)
        there = wanted < len(self.prepared)
        images[there] = self.prepared[wanted[there]]
        height, width = self.shape[1:3]
        others = np.flatnonzero(~there)
        decoded = self._originals.decode(wanted[others].tolist(), (height, width))
        for place, pixels in zip(others, decoded, strict=True):
            images[place] = pixels
        return images if chosen.ndim else images[0]

    def _numbers(self, rows: Any) -> np.ndarray:
        """Rows as numbers from 0."""
        if isinstance(rows, slice):
            return np.arange(*rows.indices(len(self)))
        numbers = np.asarray(rows)
        if numbers.dtype == bool:
            return np.flatnonzero(numbers)
        if not numbers.size:  # of an empty list NumPy makes floats
            return numbers.astype(np.int64)
        if not -len(self) <= numbers.min() <= numbers.max() < len(self):
            raise IndexError(f"rows: received {rows}, expected numbers below {len(self)}")
        return np.where(numbers < 0, numbers + len(self), numbers)
