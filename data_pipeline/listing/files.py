"""Listed files as columns: about 60 bytes each and their names."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from data_pipeline.columns.codes import Codes
from data_pipeline.columns.lazy_sequence import LazySequence
from data_pipeline.columns.strings import Strings
from data_pipeline.listing.listing import ListedFile


@dataclass(frozen=True, eq=False)
class Files(LazySequence[ListedFile]):
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
        labels: dict[str, int] = {}
        splits: dict[str, int] = {}
        label_codes, split_codes, sizes, times = array("i"), array("i"), array("q"), array("q")
        paths, bounds = bytearray(), array("q", [0])
        problems: dict[int, str] = {}
        groups: dict[int, str] = {}
        for row, (path, label, split, size, mtime_ns, problem, group) in enumerate(files):
            paths += path.encode("utf-8", "surrogatepass")
            bounds.append(len(paths))
            label_codes.append(labels.setdefault(label, len(labels)))
            split_codes.append(splits.setdefault(split or "", len(splits)))
            sizes.append(size)
            times.append(mtime_ns)
            if problem:
                problems[row] = problem
            if group:
                groups[row] = group
        return cls(
            Strings(np.frombuffer(bytes(paths), np.uint8), np.array(bounds, np.int64)),
            Codes(np.array(label_codes, np.int32), tuple(labels)),
            Codes(np.array(split_codes, np.int32), tuple(splits)),
            np.array(sizes, np.int64),
            np.array(times, np.int64),
            Strings.of_some(problems, len(sizes)),
            Strings.of_some(groups, len(sizes)),
        )

    def __len__(self) -> int:
        return len(self.paths)

    def _item(self, row: int) -> ListedFile:
        return _file(*(column[row] for column in self.columns()))

    def _items(self, rows: range) -> Self:
        return self.take(np.array(rows, np.int64))

    def __iter__(self) -> Iterator[ListedFile]:
        return map(_file, *self.columns())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Files):
            return all(
                np.array_equal(one, two) if isinstance(one, np.ndarray) else one == two
                for one, two in zip(self.columns(), other.columns(), strict=True)
            )
        return super().__eq__(other)

    __hash__ = LazySequence.__hash__

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


def _file(
    path: str, label: str, split: Any, size: Any, mtime_ns: Any, problem: str, group: str
) -> ListedFile:
    return ListedFile(path, label, split or None, int(size), int(mtime_ns), problem, group)
