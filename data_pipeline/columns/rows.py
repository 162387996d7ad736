"""A column of rows of bytes that is read from a file in pieces."""

import os
from collections.abc import Iterator
from typing import IO, Any, Self

import numpy as np

_PIECE_BYTES = 2**22  # read at the same time
# Where fewer of the rows within a piece are wanted, they are read one by one.
_DENSE = 1 / 16


class Rows:
    """Rows of bytes of one length, in memory or in an open file.

    Args:
        source: uint8 [all rows, width], or a file.
        width: bytes per row.
        start: where the first row of a file is, in bytes.
        index: int64 [rows], which rows of the source these are.
    """

    def __init__(
        self, source: np.ndarray | IO[Any], width: int, index: np.ndarray, *, start: int = 0
    ) -> None:
        self.width, self.index = width, index
        self._source, self._start = source, start

    @classmethod
    def in_memory(cls, content: np.ndarray) -> Self:
        """Make a column of an array, uint8 [rows, width]."""
        return cls(content, content.shape[1], np.arange(len(content)))

    def __len__(self) -> int:
        return len(self.index)

    def take(self, rows: np.ndarray) -> Self:
        """Make a column of some rows, without reading them."""
        return type(self)(self._source, self.width, self.index[rows], start=self._start)

    def read(self, rows: np.ndarray | slice) -> np.ndarray:
        """Read some rows, in the order that they are asked for.

        Returns:
            uint8 [rows, width].

        Raises:
            OSError: the file cannot be read, or is shorter than it was.
        """
        wanted = self.index[rows]
        if isinstance(self._source, np.ndarray):
            return np.asarray(self._source[wanted])
        found = np.empty((len(wanted), self.width), np.uint8)
        order = np.argsort(wanted, kind="stable")
        ordered = wanted[order]
        height = max(1, _PIECE_BYTES // self.width)
        first = 0
        while first < len(ordered):
            low = int(ordered[first])
            end = int(np.searchsorted(ordered, low + height))
            found[order[first:end]] = self._piece(ordered[first:end])
            first = end
        return found

    def pieces(self) -> Iterator[np.ndarray]:
        """Read all rows, a piece at a time: uint8 [some, width]."""
        height = max(1, _PIECE_BYTES // self.width)
        for first in range(0, len(self), height):
            yield self.read(slice(first, first + height))

    def _piece(self, ordered: np.ndarray) -> np.ndarray:
        """Read rows of the file that lie near one another, in ascending order."""
        low, high = int(ordered[0]), int(ordered[-1]) + 1
        if len(ordered) >= _DENSE * (high - low):
            return self._run(low, high)[ordered - low]
        return np.concatenate([self._run(row, row + 1) for row in ordered.tolist()])

    def _run(self, low: int, high: int) -> np.ndarray:
        assert not isinstance(self._source, np.ndarray)
        size = (high - low) * self.width
        content = os.pread(self._source.fileno(), size, self._start + low * self.width)
        if len(content) != size:
            raise OSError(f"{self._source.name}: shorter than it was")
        return np.frombuffer(content, np.uint8).reshape(-1, self.width)
