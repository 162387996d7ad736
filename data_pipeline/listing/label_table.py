"""List the images of a folder whose labels stand in a table."""

import os
import posixpath
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from data_pipeline.errors import DataError
from data_pipeline.listing.class_folders import SPLIT_NAMES
from data_pipeline.listing.class_names import doubtful_names
from data_pipeline.listing.data_options import TableColumns
from data_pipeline.listing.files import Files
from data_pipeline.listing.folder_files import Folder, Walk, path_of
from data_pipeline.listing.listing import LeftOut, ListedFile, Listing, Split
from data_pipeline.listing.table import Table, named_column, read_table

NO_FILE, NO_ROW = "row without a file", "file without a row"
NO_LABEL, TWO_LABELS = "row without a label", "file with two labels"
_AMBIGUOUS = "row for several files"
_SAMPLE = 200  # rows by which the column of paths is found

_LABEL_NAMES = ("label", "labels", "class", "class_name", "category", "target", "species", "breed")
_SPLIT_COLUMNS = ("split", "set", "subset", "partition")


@dataclass(frozen=True)
class _Columns:
    """Numbers of columns, and whether the first row names them."""

    image: int
    label: int
    split: int | None
    group: int | None
    header: bool


def list_label_table(
    root: Path,
    path: Path,
    columns: TableColumns,
    *,
    follow_links: bool = False,
    least: int = 2,
) -> Listing:
    """List the files below a folder that a table gives a label.

    Paths in the table are relative to the folder or to the table, with or without an extension.

    Args:
        root: the folder of the images.
        path: the table, as `read_table` reads it.
        columns: what the user said of its columns.
        follow_links: whether linked folders and files outside of `root` are taken.
        least: how many classes there must be.

    Raises:
        DataError: the table cannot be read, it is not plain which column is what, no row has a
            file, or there are too few classes.
    """
    walk = Walk(root, follow_links)
    files = {file.path: file for file in walk.files(Folder(str(root)), "", None)}
    finder = _Finder(root, path.parent, files)
    table = read_table(path)
    found = _columns(table, columns, finder)
    labelled, left_out = _labelled(table, found, finder)
    class_names = tuple(sorted({file.label for file in labelled}))
    if len(class_names) < least:
        raise DataError(
            f"{path}: found {len(class_names)} label{'' if len(class_names) == 1 else 's'} "
            f"({', '.join(class_names)}) in column {found.label + 1}, need at least {least}; "
            "--label-column names another column"
        )
    without = set(files) - {file.path for file in labelled} - {entry.path for entry in left_out}
    left_out += [LeftOut(name, NO_ROW) for name in without]
    return Listing(
        root,
        Files.of(sorted(labelled, key=path_of)),
        class_names,
        left_out=tuple(sorted([*walk.left_out, *left_out], key=lambda entry: entry.path)),
        notes=(_said(table, found),),
        doubts=tuple(doubtful_names(class_names)),
    )


class _Finder:
    """Finds the files that a table means by its paths."""

    def __init__(self, root: Path, beside: Path, files: Mapping[str, ListedFile]):
        self.files = files
        self.root = os.path.realpath(root)
        self.beside = os.path.realpath(beside)
        self.by_stem: dict[str, list[str]] = defaultdict(list)
        for path in files:
            self.by_stem[str(PurePosixPath(path).with_suffix(""))].append(path)

    def find(self, cell: str) -> list[str]:
        """The paths that a cell may mean, at best one."""
        cell = cell if "/" in cell else cell.replace("\\", "/")
        if Path(cell).is_absolute():
            cell = os.path.realpath(cell)
        for start in (self.root, self.beside):
            path = os.path.relpath(posixpath.join(start, cell), self.root)
            if path in self.files:
                return [path]
            if path in self.by_stem:
                return self.by_stem[path]
        return []


def _columns(table: Table, asked: TableColumns, finder: _Finder) -> _Columns:
    image = _image_column(table, asked, finder)
    header = _is_header(table, image, finder)
    taken = [image]

    def column(wish: str | None, option: str, names: tuple[str, ...]) -> int | None:
        if wish is None:
            found = named_column(table, names, taken) if header else None
        else:
            found = table.column(wish, option)
        if found is not None:
            taken.append(found)
        return found

    group = column(asked.group, "--group-column", ())
    split = column(asked.split, "--split-column", _SPLIT_COLUMNS)
    label = column(asked.label, "--label-column", _LABEL_NAMES)
    others = [number for number in range(table.width) if number not in taken]
    if label is None and len(others) == 1:
        label = others[0]
    if label is None:
        raise DataError(
            f"{table.path}: it is not plain which column holds the labels; columns are "
            f"{', '.join(table.rows[0])}; name one by --label-column, by its name or number"
        )
    return _Columns(image, label, split, group, header)


def _is_header(table: Table, image: int, finder: _Finder) -> bool:
    """Whether the first row names the columns: it is no file, and does not look like one."""
    first = table.rows[0][image]
    others = {PurePosixPath(row[image]).suffix for row in table.rows[1 : _SAMPLE + 1]} - {""}
    return not finder.find(first) and PurePosixPath(first).suffix not in others


def _image_column(table: Table, asked: TableColumns, finder: _Finder) -> int:
    """The column of the paths: the one asked for, or the one whose cells are files.

    Raises:
        DataError: no cell of it, or of any column, is a file.
    """
    rows = table.rows[: _SAMPLE + 1]
    if asked.image is not None:
        columns = [table.column(asked.image, "--image-column")]
    else:
        columns = list(range(table.width))
    counts = [sum(bool(finder.find(row[column])) for row in rows) for column in columns]
    if not max(counts):
        cell, first = table.rows[-1][columns[0]], min(finder.files, default="none")
        raise DataError(
            f"{table.path}: none of its first {len(rows)} rows names a file below the folder of "
            f"the images; the last has {cell!r}, and a file there is {first!r}; paths are "
            "relative to the folder or to the table"
        )
    return columns[counts.index(max(counts))]


def _labelled(
    table: Table, columns: _Columns, finder: _Finder
) -> tuple[list[ListedFile], list[LeftOut]]:
    """The files with a label, and what is left out of rows."""
    left_out: list[LeftOut] = []
    labels: dict[str, set[str]] = defaultdict(set)
    files: dict[str, ListedFile] = {}
    for row, line in zip(table.rows[columns.header :], table.lines[columns.header :], strict=True):
        cell, label = row[columns.image], row[columns.label]
        paths = finder.find(cell)
        if len(paths) != 1:
            left_out.append(LeftOut(cell, _AMBIGUOUS if paths else NO_FILE))
        elif not label:
            left_out.append(LeftOut(paths[0], NO_LABEL))
        else:
            (path,) = paths
            labels[path].add(label)
            files[path] = finder.files[path]._replace(
                label=label,
                split=_split_of(table, row, line, columns.split),
                group="" if columns.group is None else row[columns.group],
            )
    twice = [path for path, given in labels.items() if len(given) > 1]
    left_out += [LeftOut(path, TWO_LABELS) for path in twice]
    return [file for path, file in files.items() if path not in set(twice)], left_out


def _split_of(table: Table, row: Iterable[str], line: int, column: int | None) -> Split | None:
    """The split of a row; None where the table gives none.

    Raises:
        DataError: it is called otherwise than splits are.
    """
    cell = "" if column is None else tuple(row)[column]
    if not cell:
        return None
    if cell.casefold() not in SPLIT_NAMES:
        raise DataError(
            f"{table.path}: line {line}: the split is {cell!r}; expected one of "
            f"{', '.join(SPLIT_NAMES)}; --split-column names another column"
        )
    return SPLIT_NAMES[cell.casefold()]


def _said(table: Table, columns: _Columns) -> str:
    """Say which column was taken for what."""
    parts = {"images": columns.image, "labels": columns.label}
    parts |= {"splits": columns.split} if columns.split is not None else {}
    parts |= {"groups": columns.group} if columns.group is not None else {}
    named = [
        f"{what} in column {number + 1}" + (f" ({table.rows[0][number]})" if columns.header else "")
        for what, number in parts.items()
    ]
    return f"{table.path.name}: {', '.join(named)}"
