"""A column of text in one buffer."""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Self

import numpy as np

from data_pipeline.columns.texts import Texts

_PIECE = 2**16  # rows that are turned into Python objects at the same time
_MARK, _INSIDE = 0xC0, 0x80  # the high bits of a byte of UTF-8 that goes on a character
_MOST_PADDED = 4  # times the length of the text


class Strings(Texts):
    """A column of text, as UTF-8 in one buffer: 8 bytes per row, and the text itself.

    Surrogate escapes, which stand for bytes that are no UTF-8 in names of files, are kept. The
    order of rows as bytes is that of the strings.

    Args:
        content: uint8, the text of all rows, one after the other.
        bounds: int64 [rows + 1], ascending: row i is content[bounds[i]:bounds[i + 1]].
    """

    def __init__(self, content: np.ndarray, bounds: np.ndarray) -> None:
        self.content, self.bounds = content, bounds

    @classmethod
    def of(cls, values: Iterable[str]) -> Self:
        """Make a column of strings."""
        if isinstance(values, cls):
            return values
        content, bounds = bytearray(), array("q", [0])
        for value in values:
            content += value.encode(errors="surrogatepass")
            bounds.append(len(content))
        return cls(np.frombuffer(bytes(content), np.uint8), np.frombuffer(bounds, np.int64))

    @classmethod
    def empty(cls, rows: int) -> Self:
        """Make a column of so many empty strings, which takes no memory."""
        return cls(np.zeros(0, np.uint8), np.broadcast_to(np.int64(0), rows + 1))

    @classmethod
    def of_some(cls, values: Mapping[int, str], rows: int) -> Self:
        """Make a column of so many rows, of which some are not empty.

        Args:
            values: of these, by row, in ascending order of the rows.
            rows: how many there are.
        """
        if not values:
            return cls.empty(rows)
        content = [value.encode(errors="surrogatepass") for value in values.values()]
        lengths = np.zeros(rows + 1, np.int64)
        lengths[np.fromiter(values, np.int64) + 1] = [len(value) for value in content]
        return cls(np.frombuffer(b"".join(content), np.uint8), np.cumsum(lengths))

    @classmethod
    def checked(cls, content: np.ndarray, bounds: np.ndarray) -> Self:
        """Make a column of arrays that were read from a file.

        Raises:
            ValueError: the bounds do not fit the content, or it is no UTF-8.
        """
        ends = (len(bounds) > 0 and bounds[0] == 0 and bounds[-1] == len(content)) or False
        if not ends or (bounds[1:] < bounds[:-1]).any():
            raise ValueError("the bounds of its strings do not fit")
        content.tobytes().decode(errors="surrogatepass")  # UnicodeDecodeError is a ValueError
        starts = bounds[bounds < len(content)]
        if (content[starts] & _MARK == _INSIDE).any():
            raise ValueError("its strings begin inside a character")
        return cls(content, bounds) if len(content) else cls.empty(len(bounds) - 1)

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def _item(self, row: int) -> str:
        start, end = self.bounds[row : row + 2]
        return self.content[start:end].tobytes().decode(errors="surrogatepass")

    def __iter__(self) -> Iterator[str]:
        return (value.decode(errors="surrogatepass") for value in self.raw())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Strings):
            same = np.array_equal(self.bounds, other.bounds)
            return same and np.array_equal(self.content, other.content)
        return super().__eq__(other)

    __hash__ = None

    def raw(self) -> Iterator[bytes]:
        """Yield each row as UTF-8."""
        for first in range(0, len(self), _PIECE):
            bounds = self.bounds[first : first + _PIECE + 1]
            text = self.content[bounds[0] : bounds[-1]].tobytes()
            for start, end in pairwise((bounds - bounds[0]).tolist()):
                yield text[start:end]

    @property
    def filled(self) -> np.ndarray:
        """Which rows are not empty: bool [rows]."""
        return np.asarray(np.diff(self.bounds) > 0)

    def order(self) -> np.ndarray:
        """int64 [rows]: the rows in ascending order of their strings, equal ones as they came."""
        width = int(np.diff(self.bounds).max(initial=0))
        if width * len(self) > _MOST_PADDED * len(self.content):
            values = list(self.raw())
            return np.array(sorted(range(len(values)), key=values.__getitem__), np.int64)
        # Padded to one length they take less than as objects of Python, and NumPy sorts them.
        padded = np.fromiter(self.raw(), np.dtype(("S", max(1, width))), len(self))
        return np.argsort(padded, kind="stable")

    def take(self, rows: np.ndarray) -> "Strings":
        """Make a column of some rows."""
        if not len(self.content):
            return Strings.empty(len(rows))
        starts = self.bounds[:-1][rows]
        lengths = self.bounds[1:][rows] - starts
        bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        content = np.empty(bounds[-1], np.uint8)
        for first in range(0, len(rows), _PIECE):
            piece = slice(first, first + _PIECE)
            start, end = bounds[first], bounds[min(first + _PIECE, len(rows))]
            # Where each byte of the piece comes from: its row's start, and the place within it.
            shift = np.repeat(starts[piece] - bounds[:-1][piece], lengths[piece])
            content[start:end] = self.content[np.arange(start, end) + shift]
        return Strings(content, bounds)

    def rows_in(self, others: "Strings") -> np.ndarray:
        """Find where the strings of this column are in another; both are sorted.

        Returns:
            int64 [rows]: the row in `others` with the same string; -1 without one.
        """
        if self == others:
            return np.arange(len(self))
        found = array("q")
        candidates = enumerate(others.raw())
        row, candidate = next(candidates, (-1, None))
        for value in self.raw():
            while candidate is not None and candidate < value:
                row, candidate = next(candidates, (-1, None))
            found.append(row if candidate == value else -1)
        return np.array(found, np.int64)
