"""Keep a few rows of any number, each as likely as any other (Vitter 1985, algorithm R)."""

import numpy as np
from numpy.typing import NDArray


class Reservoir:
    """Rows that were drawn from a stream.

    Args:
        size: how many are kept.
        seed: of the draws.

    Attributes:
        seen: how many there were.
        rows: those that are kept.
    """

    def __init__(self, size: int, *, seed: int = 0) -> None:
        self._size, self._random = size, np.random.default_rng(seed)
        self.rows: list[NDArray[np.float32]] = []
        self.seen = 0

    def add(self, row: NDArray[np.float32]) -> None:
        """Take a row in, or not."""
        self.seen += 1
        if len(self.rows) < self._size:
            self.rows.append(row.copy())
        elif (place := int(self._random.integers(self.seen))) < self._size:
            self.rows[place] = row.copy()
