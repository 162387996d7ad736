"""Checks that are to be made, as a sequence that takes no memory."""

from collections.abc import Sequence
from typing import overload

import numpy as np

from data_pipeline.pixels.prepared import RowFile
from data_pipeline.preparation.check import CheckTask
from data_pipeline.preparation.checks import Checks


class Tasks(Sequence[CheckTask]):
    """Checks to be made, of which each task is made when it is asked for.

    Args:
        checks: so far. The content of what has been checked is not checked again if it is the same.
        rows: int64, which files.
        targets: where their pixels are written.
    """

    def __init__(self, checks: Checks, rows: np.ndarray, targets: tuple[RowFile, ...] = ()) -> None:
        self._checks, self._rows, self._targets = checks, rows, targets

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, number: int) -> CheckTask: ...
    @overload
    def __getitem__(self, number: slice) -> list[CheckTask]: ...
    def __getitem__(self, number: int | slice) -> CheckTask | list[CheckTask]:
        if isinstance(number, slice):
            return [self._task(row) for row in self._rows[number].tolist()]
        return self._task(int(self._rows[number]))

    def _task(self, row: int) -> CheckTask:
        checks = self._checks
        known = checks.content_hashes[row].tobytes().hex() if checks.kept[row] else ""
        listing = checks.listing
        return CheckTask(listing.root, listing.files[row], row, self._targets, known)
