"""A file of named columns, in the layout of safetensors: a header in JSON, then the numbers.

https://github.com/huggingface/safetensors describes it: 8 bytes with the length of the header,
little-endian; the header, `{"NAME": {"dtype": …, "shape": […], "data_offsets": [start, end]}}`
with text under `__metadata__`; and the content that the offsets count from.
"""

import json
import math
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np

from data_pipeline.columns.rows import Rows

DTYPES = {"U8": np.uint8, "BOOL": np.bool_, "I32": np.int32, "I64": np.int64}
_LONGEST_HEADER = 2**28
_PIECE_BYTES = 2**24


class ColumnFile:
    """A file of columns that is open for reading: it stays readable when another replaces it.

    Args:
        path: of the file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no such file.
    """

    def __init__(self, path: Path) -> None:
        # Without blocking: a pipe of that name would be waited for without end.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self._file = os.fdopen(handle, "rb")
        size = os.fstat(handle).st_size
        head = os.pread(handle, 8, 0)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else size
        if not 2 <= length <= min(size - 8, _LONGEST_HEADER):
            raise ValueError("it has no header")
        try:
            header = json.loads(os.pread(handle, length, 8))
        except RecursionError as error:
            raise ValueError("its header is nested too deeply") from error
        if not isinstance(header, dict):
            raise ValueError("its header is no object")
        self.metadata: dict[str, str] = header.pop("__metadata__", {})
        self._columns, self._start, self._size = header, 8 + length, size

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def column(self, name: str, dtype: Any, width: int | None = None) -> np.ndarray:
        """Read a column into memory: [rows], or [rows, width].

        Raises:
            OSError: the file cannot be read.
            ValueError: it has no such column.
        """
        rows, start = self._find(name, dtype, width)
        shape = (rows,) if width is None else (rows, width)
        array = np.empty(shape, dtype)
        view = array.data.cast("B") if array.size else memoryview(b"")
        done = 0
        while done < len(view):
            read = os.preadv(self._file.fileno(), [view[done : done + _PIECE_BYTES]], start + done)
            if not read:
                raise OSError(f"{self._file.name}: shorter than it was")
            done += read
        return array

    def rows(self, name: str, width: int) -> Rows:
        """A column of bytes that is not read yet.

        Raises:
            ValueError: it has no such column.
        """
        rows, start = self._find(name, np.uint8, width)
        return Rows(self._file, width, np.arange(rows), start=start)

    def _find(self, name: str, dtype: Any, width: int | None) -> tuple[int, int]:
        """The number of rows of a column, and where it starts."""
        try:
            entry = self._columns[name]
            rows, *others = shape = [int(side) for side in entry["shape"]]
            start, end = (int(offset) for offset in entry["data_offsets"])
            same = DTYPES[entry["dtype"]] == dtype
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"it has no column {name}") from error
        size = math.prod(shape) * np.dtype(dtype).itemsize
        fits = rows >= 0 <= start and end - start == size and self._start + end <= self._size
        if not (fits and same and others == ([] if width is None else [width])):
            raise ValueError(f"its column {name} is another")
        return rows, self._start + start
