"""A file of rows of numbers, of which each is written once, in any order.

A row is made when it is first needed: the file has room for all from the start, as a file with
holes, and beside it stands which rows are there, with their checksums. What is noted as there is
on disk.
"""

import os
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_pipeline.atomic_files import share, write_bytes

SYNC_SECONDS = 10.0  # of work that a crash may cost
CHECKED = 256  # rows, spread over all: what damages a file seldom leaves the others as they were


class RowStore:
    """One such file; as a context it can be written.

    Args:
        path: of the file; what is there stands beside it, ending in ".rows".
        shape: (rows, columns) of the whole, float32.

    Attributes:
        sums: uint32 [rows], checksums of those that are there; 0 for the others.
    """

    def __init__(self, path: Path, shape: tuple[int, int]) -> None:
        self.path, self.shape = path, shape
        self.about = path.with_suffix(".rows")
        self._sound: int | None = None  # the file, by its inode, that checksums were right for
        self.look_again()

    def look_again(self) -> None:
        """Read which rows are there by now; their checksums are compared once per file."""
        self.sums = np.zeros(self.shape[0], np.uint32)
        if not (self.path.exists() and self.about.exists()):
            return
        noted = self.about.read_bytes()
        if len(noted) != self.sums.nbytes:  # of an older version
            return
        sums = np.frombuffer(noted, np.uint32).copy()
        if self._is_whole(sums):
            self.sums = sums
        else:
            warnings.warn(f"{self.path}: damaged; it is made again", stacklevel=2)

    def _is_whole(self, sums: NDArray[np.uint32]) -> bool:
        file = self.path.stat()
        if file.st_size != 4 * self.shape[0] * self.shape[1]:
            return False
        if file.st_ino == self._sound:
            return True
        there = np.flatnonzero(sums)
        picks = there[np.linspace(0, len(there) - 1, min(CHECKED, len(there))).astype(int)]
        lines = self.open()
        sound = all(_checksum(lines[row]) == sums[row] for row in picks.tolist())
        self._sound = file.st_ino if sound else None
        return sound

    def missing(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of `rows` that are not there, in their order."""
        return rows[self.sums[rows] == 0]

    def sound(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell of each of `rows` whether it is there and what was written: all are read."""
        lines = self.open()
        return np.array([_checksum(lines[row]) == self.sums[row] for row in rows.tolist()], bool)

    def open(self) -> NDArray[np.float32]:
        """Map the file: float32 [rows, columns], of which only what is known may be used.

        The mapping is private and writeable: TensorFlow takes memory without a copy only so.
        """
        return np.memmap(self.path, np.float32, mode="c", shape=self.shape)

    def __enter__(self) -> "RowStore":
        self.file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        share(self.file, self.path.parent)
        os.ftruncate(self.file, 4 * self.shape[0] * self.shape[1])
        self.synced = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._sync()
        finally:
            os.close(self.file)

    def write(self, rows: NDArray[np.int64], values: NDArray[np.float32]) -> None:
        """Write some rows, float32 [rows, columns]; from time to time make sure of them.

        Raises:
            OSError: the disk is full or failing.
        """
        # Writes and not a mapping: a full disk is then an error and not a signal.
        values = np.ascontiguousarray(values, np.float32)
        for row, value in zip(rows.tolist(), values, strict=True):
            data, offset = memoryview(value).cast("B"), 4 * row * self.shape[1]
            while data:
                written = os.pwrite(self.file, data, offset)
                data, offset = data[written:], offset + written
            self.sums[row] = _checksum(value)
        if time.monotonic() - self.synced > SYNC_SECONDS:
            self._sync()

    def _sync(self) -> None:
        os.fsync(self.file)
        # After the content is on disk, so that it never names rows that a crash has lost.
        write_bytes(self.about, self.sums.tobytes(), shared=True)
        self.synced = time.monotonic()


def _checksum(row: NDArray[np.float32]) -> int:
    """Never 0, which stands for none."""
    return zlib.crc32(np.ascontiguousarray(row).tobytes()) or 1
