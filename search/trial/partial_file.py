"""Write a large file of rows in steps, and go on with it after an interruption."""

import os
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_pipeline.atomic_files import rename
from search.process.atomic_files import read_json, write_json

SYNC_SECONDS = 10.0  # of work that a crash may cost


class PartialFile:
    """Appends rows, as a context, to a file that gets its name only once it is whole.

    Args:
        path: its name in the end.
        row_bytes: size of a row.
        whole: rows that are written together: an interrupted file goes on at a multiple of it.

    Attributes:
        rows: written so far, those of earlier attempts among them.
    """

    def __init__(self, path: Path, *, row_bytes: int, whole: int) -> None:
        self.path, self.row_bytes, self.whole = path, row_bytes, whole
        self.temporary = path.with_suffix(".partial")
        self.state = path.with_suffix(".json")
        begun = self.state.exists() and self.temporary.exists()
        self.rows = int(read_json(self.state)["rows"]) if begun else 0
        self.synced = time.monotonic()

    def __enter__(self) -> None:
        self.file = self.temporary.open("r+b" if self.rows else "wb")
        self.file.truncate(self.rows * self.row_bytes)
        self.file.seek(0, os.SEEK_END)

    def __exit__(self, *_: object) -> None:
        try:
            self._sync()
        finally:
            self.file.close()

    def append(self, rows: NDArray[np.float32]) -> None:
        """Write whole rows; from time to time make sure of them."""
        self.file.write(rows.tobytes())
        self.rows += len(rows)
        if time.monotonic() - self.synced > SYNC_SECONDS:
            self._sync()

    def _sync(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())
        # After the content is on disk, so that it never names rows that a crash has lost.
        write_json(self.state, {"rows": self.rows - self.rows % self.whole})
        self.synced = time.monotonic()

    def finish(self) -> None:
        """Give the whole file its name."""
        rename(self.temporary, self.path)  # The context has seen to it that the content is on disk.
        self.state.unlink()
