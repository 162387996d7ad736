"""What is known of labelled files before any of them is opened."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

Split = Literal["train", "validation", "test"]


class ListedFile(NamedTuple):
    """A file before its check.

    Attributes:
        path: relative to the root, with "/"; bytes that are no UTF-8 are surrogate escapes.
        label: the name of its class; "" where the files have no classes.
        split: where the user put it, None where the source gives no splits.
        bytes: the file's size.
        mtime_ns: the file's time of change.
        problem: why it must not be opened; "" where it may.
        group: what it has in common with other files (a patient, a recording), which are then
            never in another split; "" for nothing.
    """

    path: str
    label: str
    split: Split | None
    bytes: int
    mtime_ns: int
    problem: str = ""
    group: str = ""


@dataclass(frozen=True)
class LeftOut:
    """Something that is no file of any class.

    Attributes:
        path: relative to the root, with "/".
        reason: why, in words that do not change.
    """

    path: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """Every file of a data set.

    Attributes:
        root: the folder that the paths of files are relative to.
        files: sorted by path, each path once.
        class_names: sorted; the label of every file is among them.
        left_out: what else is there, sorted by path.
        notes: sentences about how the data set was read.
        doubts: sentences about what may not be meant as it was taken.
    """

    root: Path
    files: Sequence[ListedFile]
    class_names: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
