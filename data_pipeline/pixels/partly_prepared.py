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
from data_pipeline.decoding.hashes import content_hash, pixel_hash
from data_pipeline.errors import BadImageError, DataError, LostFileError
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
        content_hashes: by which its file is; "" where that is not known.
    """

    root: Path
    paths: Sequence[str]
    pixel_hashes: Sequence[str]
    content_hashes: Sequence[str]


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
        self.lost: LostFileError | None = None

    @cached_property
    def _files(self) -> OriginalFiles:
        # For all threads at once: what `warnings` changes for a while, it changes for all.
        warnings.filterwarnings("ignore", module="PIL")
        return self._find()

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        # Decoding and resizing release Python's lock.
        return ThreadPoolExecutor(own_cores(), thread_name_prefix="decode")

    def decode(
        self, rows: Sequence[int], image_size: tuple[int, int], *, roughly: bool = False
    ) -> list[np.ndarray]:
        """Decode images in parallel, uint8 [*image_size, 3] each: as they would be prepared.

        Args:
            rows: which.
            image_size: (height, width) of the result.
            roughly: let the decoder of JPEGs make them smaller where it can, which takes less
                time: values differ by one or two of 255 levels, in the mean.

        Raises:
            DataError: a file is gone or has changed.
            MemoryError: there is too little memory.
        """
        one = self._decoded_roughly if roughly else self._decoded
        return list(self._threads.map(lambda row: one(row, image_size), rows))

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
        with self._usable(row) as path:
            return self._exactly(_read(path), row, image_size)

    def _decoded_roughly(self, row: int, image_size: tuple[int, int]) -> np.ndarray:
        with self._usable(row) as path:
            contents = _read(path)
            if content_hash(contents) != self._files.content_hashes[row]:
                return self._exactly(contents, row, image_size)
            pixels, _ = decode_warning(contents, at_least=image_size)
            return resize(pixels, image_size, resize_mode=self._resize_mode)

    def _exactly(self, contents: bytes, row: int, image_size: tuple[int, int]) -> np.ndarray:
        pixels, _ = decode_warning(contents)
        known = self._files.pixel_hashes[row]
        if known and pixel_hash(pixels) != known:
            raise BadImageError("is another image by now")
        return resize(pixels, image_size, resize_mode=self._resize_mode)

    @contextmanager
    def _usable(self, row: int) -> Iterator[Path]:
        """Give the file of an image; say that it was usable, if it is not any more."""
        path = self._files.root / self._files.paths[row]
        try:
            yield path
        except BadImageError as error:
            if isinstance(error.__cause__, MemoryError):
                raise MemoryError from error
            self.lost = LostFileError(f"{path}: {error}; it was usable when it was checked")
            self.lost.path = str(path)
            raise self.lost from error


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
        roughly: how; see `Originals.decode`.
    """

    def __init__(
        self, prepared: np.ndarray, images: int, originals: Originals, *, roughly: bool = False
    ) -> None:
        self.prepared = prepared
        self._roughly = roughly
        self.shape = (images, *prepared.shape[1:])
        self.nbytes = int(np.prod(self.shape))
        self._originals = originals

    def __len__(self) -> int:
        return self.shape[0]

    def to_train_on(self) -> "PartlyPrepared":
        """The same, of which JPEGs may be decoded roughly: training sees each changed anyway."""
        return PartlyPrepared(self.prepared, len(self), self._originals, roughly=True)

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
        numbers, roughly = wanted[others].tolist(), self._roughly
        decoded = self._originals.decode(numbers, (height, width), roughly=roughly)
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
