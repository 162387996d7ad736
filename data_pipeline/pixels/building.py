"""Write prepared pixels: workers fill the rows of a file, then gaps are closed."""

import io
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np

from data_pipeline.atomic_files import UnfinishedFile, sweep
from data_pipeline.errors import DataError
from data_pipeline.pixels.resize_mode import ResizeMode

_BLOCK_BYTES = 16 * 2**20  # moved at once


@dataclass(frozen=True)
class RowFile:
    """An unfinished file of pixels, for workers: each writes its own rows.

    Attributes:
        path: of the file.
        image_size, resize_mode: of its images.
        rows: it has so many; of others nothing is kept.
    """

    path: Path
    image_size: tuple[int, int]
    resize_mode: ResizeMode
    rows: int

    def keeps(self, row: int) -> bool:
        """Say whether the file has this row."""
        return row < self.rows

    @property
    def row_bytes(self) -> int:
        """The size of one image in bytes."""
        return self.image_size[0] * self.image_size[1] * 3

    def write(self, row: int, pixels: np.ndarray) -> None:
        """Write one image, uint8 [height, width, 3].

        A write and not a mapping: a full disk is then an error and not a SIGBUS.

        Raises:
            DataError: the disk is full or failing.
        """
        offset = len(_header(0, self.image_size)) + row * self.row_bytes
        try:
            handle = os.open(self.path, os.O_WRONLY)
            try:
                _write_all(handle, pixels.tobytes(), offset)
            finally:
                os.close(handle)
        except OSError as error:
            raise DataError(
                f"{self.path}: {error.strerror}; expected room for prepared pixels; "
                "free some space or choose another --cache-dir"
            ) from error


class PixelsBuilder:
    """Makes a file of pixels under a temporary name; as a context, deletes it if not finished."""

    def __init__(
        self, folder: Path, rows: int, image_size: tuple[int, int], resize_mode: ResizeMode
    ) -> None:
        """Reserve a row for each of the first `rows` files: it is not known yet which are bad.

        Raises:
            DataError: the disk has no room for it.
        """
        sweep(folder)
        # Images may be private: other users of the machine cannot read them, unless the folder
        # is one that they share.
        self._file = UnfinishedFile(folder / "pixels.npy", mode=0o600, shared=True)
        self.rows = RowFile(self._file.path, image_size, resize_mode, rows)
        needed = rows * self.rows.row_bytes
        free = shutil.disk_usage(folder).free
        if needed > free:
            self._file.close()
            raise DataError(
                f"{folder}: {free / 2**20:.0f} MiB free, prepared pixels need up to "
                f"{needed / 2**20:.0f}; free some space or choose another --cache-dir"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def finish(self, kept: np.ndarray, path: Path) -> None:
        """Close the gaps that bad files left, and publish the file as `path`.

        Args:
            kept: int64, the rows of usable files; those that the file does not have are left out.
            path: its name.
        """
        kept = kept[kept < self.rows.rows]
        size = self.rows.row_bytes
        header = _header(len(kept), self.rows.image_size)
        target = len(header)
        for first, count in _runs(kept):
            source = len(header) + first * size
            self._move(source, target, count * size)
            target += count * size
        os.ftruncate(self._file.handle, target)
        _write_all(self._file.handle, header, 0)
        self._file.publish(path)

    def _move(self, source: int, target: int, length: int) -> None:
        """Move bytes towards the start, block by block: source and target may overlap."""
        if source == target:
            return
        for done in range(0, length, _BLOCK_BYTES):
            block = os.pread(self._file.handle, min(_BLOCK_BYTES, length - done), source + done)
            _write_all(self._file.handle, block, target + done)


def _runs(rows: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield (first, count) of each run of consecutive rows."""
    starts = np.flatnonzero(np.diff(rows, prepend=-2) != 1)
    for start, end in pairwise([*starts.tolist(), len(rows)]):
        yield int(rows[start]), end - start


def _header(rows: int, image_size: tuple[int, int]) -> bytes:
    """Make the .npy header. NumPy pads it, so its length is the same for any number of rows."""
    buffer = io.BytesIO()
    shape = (rows, *image_size, 3)
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    return buffer.getvalue()


def _write_all(handle: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(handle, view, offset)
        view, offset = view[written:], offset + written
