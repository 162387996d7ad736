"""List the images of a folder whose labels stand in a table."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from data_pipeline.errors import DataError
from data_pipeline.listing.class_folders import SPLIT_NAMES
from data_pipeline.listing.class_names import doubtful_names
from data_pipeline.listing.data_options import TableColumns
from data_pipeline.listing.files import Files
from data_pipeline.listing.folder_files import Folder, Walk, path_of
from data_pipeline.listing.listing import LeftOut, ListedFile, Listing, Split
from data_pipeline.listing.table import Table, read_table
from data_pipeline.listing.table_columns import FoundColumns, found_columns, said_of
from data_pipeline.listing.table_files import TableFiles

NO_FILE, NO_ROW = "row without a file", "file without a row"
NO_LABEL, TWO_LABELS = "row without a label", "file with two labels"
TWO_SPLITS, TWO_GROUPS = "file in two splits", "file in two groups"
_AMBIGUOUS = "row for several files"


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
    finder = TableFiles(root, path.parent, files)
    table = read_table(path)
    found = found_columns(table, columns, finder)
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
        notes=(said_of(table, found),),
        doubts=tuple(doubtful_names(class_names)),
    )


def _labelled(
    table: Table, columns: FoundColumns, finder: TableFiles
) -> tuple[list[ListedFile], list[LeftOut]]:
    """The files with a label, and what is left out of rows."""
    left_out: list[LeftOut] = []
    files: dict[str, list[ListedFile]] = defaultdict(list)
    for row, line in zip(table.rows[columns.header :], table.lines[columns.header :], strict=True):
        cell, label = row[columns.image], row[columns.label]
        paths = finder.find(cell)
        if len(paths) != 1:
            left_out.append(LeftOut(cell, _AMBIGUOUS if paths else NO_FILE))
        elif not label:
            left_out.append(LeftOut(paths[0], NO_LABEL))
        else:
            (path,) = paths
            split = _split_of(table, row, line, columns.split)
            group = "" if columns.group is None else row[columns.group]
            file = finder.files[path]._replace(label=label, split=split, group=group)
            files[path].append(file)
    listed = []
    for path, rows in files.items():
        if reason := _contradiction(rows):
            left_out.append(LeftOut(path, reason))
        else:
            listed.append(rows[0])
    return listed, left_out


def _contradiction(rows: Sequence[ListedFile]) -> str:
    """What the rows of one file say of it twice and otherwise; "" where they agree."""
    for name, reason in (("label", TWO_LABELS), ("split", TWO_SPLITS), ("group", TWO_GROUPS)):
        if len({getattr(row, name) for row in rows}) > 1:
            return reason
    return ""


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
