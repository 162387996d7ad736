"""A sequence whose items are made when they are asked for."""

from collections.abc import Sequence
from typing import TypeVar, overload

Item_co = TypeVar("Item_co", covariant=True)


class LazySequence(Sequence[Item_co]):
    """Rows of columns that read as a sequence; `_item` makes one of them.

    Equal to any sequence of equal items.
    """

    def _item(self, row: int) -> Item_co:
        raise NotImplementedError

    def _items(self, rows: range) -> Sequence[Item_co]:
        return [self._item(row) for row in rows]

    @overload
    def __getitem__(self, row: int) -> Item_co: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Item_co]: ...
    def __getitem__(self, row: int | slice) -> Item_co | Sequence[Item_co]:
        wanted = range(len(self))[row]
        return self._item(wanted) if isinstance(wanted, int) else self._items(wanted)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(
            one == two for one, two in zip(self, other, strict=True)
        )

    def __hash__(self) -> int:
        return hash(len(self))
