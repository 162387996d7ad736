"""Write a file of named columns, which `data_pipeline.columns.column_file` reads."""

import json
import math
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from data_pipeline.atomic_files import UnfinishedFile
from data_pipeline.columns.column_file import DTYPES
from data_pipeline.columns.rows import Rows

_NAMES = {np.dtype(dtype): name for name, dtype in DTYPES.items()}
_PIECE_BYTES = 2**24


def write_columns(
    path: Path,
    columns: Mapping[str, np.ndarray | Rows],
    metadata: Mapping[str, str],
    *,
    shared: bool = False,
) -> None:
    """Write a file of columns, whole or not at all.

    Args:
        path: of the file.
        columns: uint8, bool, int32 or int64, [rows] or [rows, width].
        metadata: text by name.
        shared: as `data_pipeline.atomic_files.UnfinishedFile` takes it.

    Raises:
        OSError: the disk is full or failing; `path` has its old content or the new one.
    """
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    end = 0
    for name, column in columns.items():
        shape, dtype = _shape(column)
        start, end = end, end + math.prod(shape) * dtype.itemsize
        header[name] = {"dtype": _NAMES[dtype], "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # so that numbers lie where processors want them
    with UnfinishedFile(path, shared=shared) as file, os.fdopen(os.dup(file.handle), "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for column in columns.values():
            for piece in _pieces(column):
                out.write(piece)
        out.flush()
        file.publish(path)


def _shape(column: np.ndarray | Rows) -> tuple[list[int], np.dtype[Any]]:
    if isinstance(column, Rows):
        return [len(column), column.width], np.dtype(np.uint8)
    return list(column.shape), column.dtype


def _pieces(column: np.ndarray | Rows) -> Iterator[bytes]:
    if isinstance(column, Rows):
        yield from (piece.tobytes() for piece in column.pieces())
        return
    step = max(1, _PIECE_BYTES // max(1, column[:1].nbytes))
    for first in range(0, len(column), step):
        yield column[first : first + step].tobytes()
