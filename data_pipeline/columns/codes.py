"""A column of text with few distinct values, as numbers of these."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Self

import numpy as np

from data_pipeline.columns.texts import Texts


class Codes(Texts):
    """A column of text with few distinct values, as 4 bytes per row.

    Args:
        codes: int32 [rows], numbers of names.
        names: the distinct values.
    """

    def __init__(self, codes: np.ndarray, names: Sequence[str]) -> None:
        self.codes, self.names = codes, tuple(names)

    @classmethod
    def of(cls, values: Iterable[str]) -> Self:
        """Make a column of strings."""
        if isinstance(values, cls):
            return values
        numbers: dict[str, int] = {}
        codes = array("i", (numbers.setdefault(value, len(numbers)) for value in values))
        return cls(np.array(codes, np.int32), tuple(numbers))

    @classmethod
    def checked(cls, codes: np.ndarray, names: Sequence[str]) -> Self:
        """Make a column of values that were read from a file.

        Raises:
            ValueError: a code has no name.
        """
        if len(codes) and not 0 <= codes.min() <= codes.max() < len(names):
            raise ValueError("it has codes without a name")
        return cls(codes, names)

    def __len__(self) -> int:
        return len(self.codes)

    def _item(self, row: int) -> str:
        return self.names[self.codes[row]]

    def __iter__(self) -> Iterator[str]:
        return (self.names[code] for code in self.codes)

    def take(self, rows: np.ndarray) -> "Codes":
        """Make a column of some rows."""
        return Codes(self.codes[rows], self.names)

    def of_names(self, names: Sequence[str]) -> np.ndarray:
        """Number the rows by other names.

        Returns:
            int32 [rows]: the place of each row's value in `names`; -1 where it is not there.
        """
        numbers = {name: number for number, name in enumerate(names)}
        table = np.array([numbers.get(name, -1) for name in self.names], np.int32)
        return np.asarray(table[self.codes]) if len(table) else np.zeros(0, np.int32)

    def counts(self) -> dict[str, int]:
        """Count the rows of each value that occurs, in the order of their first rows."""
        codes, firsts, counts = np.unique(self.codes, return_index=True, return_counts=True)
        return {self.names[codes[place]]: int(counts[place]) for place in np.argsort(firsts)}
