"""What all columns of text have in common."""

from collections.abc import Sequence
from typing import overload


class Texts(Sequence[str]):
    """A column of text that reads as a sequence of strings; `_text` gives one of them."""

    def _text(self, row: int) -> str:
        raise NotImplementedError

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: int | slice) -> str | list[str]:
        if isinstance(row, slice):
            return [self._text(one) for one in range(len(self))[row]]
        return self._text(range(len(self))[row])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(
            one == two for one, two in zip(self, other, strict=True)
        )

    __hash__ = None  # type: ignore[assignment]
