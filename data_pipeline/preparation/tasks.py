"""Checks that are to be made, as a sequence that takes no memory."""

import numpy as np

from data_pipeline.columns.lazy_sequence import LazySequence
from data_pipeline.pixels.building import RowFile
from data_pipeline.preparation.check import CheckTask
from data_pipeline.preparation.checks import Checks


class Tasks(LazySequence[CheckTask]):
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

    def _item(self, row: int) -> CheckTask:
        checks, file = self._checks, int(self._rows[row])
        known = checks.content_hashes[file].tobytes().hex() if checks.kept[file] else ""
        listing = checks.listing
        return CheckTask(listing.root, listing.files[file], file, self._targets, known)
