"""Listed files as columns: about 60 bytes each and their names."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, overload

import numpy as np

from data_pipeline.columns.codes import Codes
from data_pipeline.columns.strings import Strings
from data_pipeline.listing.listing import ListedFile


@dataclass(frozen=True, eq=False)
class Files(Sequence[ListedFile]):
    """Files, of which row i is the i-th.

    Attributes:
        paths, labels, splits, problems, groups: as `ListedFile` has them; "" for no split.
        bytes, mtime_ns: int64 [files].
    """

    paths: Strings
    labels: Codes
    splits: Codes
    bytes: np.ndarray
    mtime_ns: np.ndarray
    problems: Strings
    groups: Strings

    @classmethod
    def of(cls, files: Iterable[ListedFile]) -> Self:
        """Make columns of files, which are not kept: they may come one by one."""
        if isinstance(files, cls):
            return files
        numbers = array("q")
        labels, splits = _Numbered(), _Numbered()
        texts = [bytearray() for _ in range(3)]
        ends = [array("q", [0]) for _ in range(3)]
        for path, label, split, size, mtime_ns, problem, group in files:
            numbers.extend((size, mtime_ns))
            labels.add(label)
            splits.add(split or "")
            for text, bounds, value in zip(texts, ends, (path, problem, group), strict=True):
                if value:
                    text.extend(value.encode(errors="surrogatepass"))
                bounds.append(len(text))
        paths, problems, groups = (
            Strings(np.frombuffer(bytes(text), np.uint8), np.array(bounds, np.int64))
            for text, bounds in zip(texts, ends, strict=True)
        )
        table = np.array(numbers, np.int64).reshape(-1, 2)
        sizes, times = (np.ascontiguousarray(column) for column in table.T)
        return cls(paths, labels.column(), splits.column(), sizes, times, problems, groups)

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, row: int) -> ListedFile: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[ListedFile]: ...
    def __getitem__(self, row: int | slice) -> ListedFile | Sequence[ListedFile]:
        if isinstance(row, slice):
            return self.take(np.arange(len(self))[row])
        row = range(len(self))[row]
        return _file(*(column[row] for column in self.columns()))

    def __iter__(self) -> Iterator[ListedFile]:
        return map(_file, *self.columns())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Files):
            return all(
                np.array_equal(one, two) if isinstance(one, np.ndarray) else one == two
                for one, two in zip(self.columns(), other.columns(), strict=True)
            )
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(
            one == two for one, two in zip(self, other, strict=True)
        )

    def __hash__(self) -> int:
        return hash(len(self))

    def take(self, rows: np.ndarray) -> Self:
        """Take some of the files."""
        return type(self)(*(column.take(rows) for column in self.columns()))

    def by_path(self) -> Self:
        """Sort the files by their paths."""
        return self.take(self.paths.order())

    def with_groups(self, groups: Strings) -> Self:
        """Give the files other groups."""
        return replace(self, groups=groups)

    def columns(self) -> tuple[Any, ...]:
        """All columns, in the order of `ListedFile`."""
        return (
            self.paths,
            self.labels,
            self.splits,
            self.bytes,
            self.mtime_ns,
            self.problems,
            self.groups,
        )


class _Numbered:
    """Values as numbers, in the order in which they first come."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.codes = array("i")

    def add(self, value: str) -> None:
        self.codes.append(self.numbers.setdefault(value, len(self.numbers)))

    def column(self) -> Codes:
        return Codes(np.array(self.codes, np.int32), tuple(self.numbers))


def _file(
    path: str, label: str, split: Any, size: Any, mtime_ns: Any, problem: str, group: str
) -> ListedFile:
    return ListedFile(path, label, split or None, int(size), int(mtime_ns), problem, group)
