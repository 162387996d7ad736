"""What is known of labelled files before any of them is opened."""

from dataclasses import dataclass
from pathlib import Path

from data_pipeline.catalog.entries import Split


@dataclass(frozen=True)
class ListedFile:
    """A file before its check.

    Attributes:
        path: relative to the root, with "/"; bytes that are no UTF-8 are surrogate escapes.
        label: the name of its class; "" where the files have no classes.
        split: where the user put it, None where the source gives no splits.
        bytes: the file's size.
        mtime_ns: the file's time of change.
        problem: why it must not be opened; "" where it may.
    """

    path: str
    label: str
    split: Split | None
    bytes: int
    mtime_ns: int
    problem: str = ""


@dataclass(frozen=True)
class Listing:
    """Every file of a data set.

    Attributes:
        root: the folder that the paths of files are relative to.
        files: sorted by path, each path once.
        class_names: sorted, at least two; the label of every file is among them.
    """

    root: Path
    files: tuple[ListedFile, ...]
    class_names: tuple[str, ...]
