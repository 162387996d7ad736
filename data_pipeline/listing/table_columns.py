"""Find out which column of a table holds what, by what the user said and by its cells."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from data_pipeline.errors import DataError
from data_pipeline.listing.data_options import TableColumns
from data_pipeline.listing.table import Table, named_column
from data_pipeline.listing.table_files import TableFiles

_SAMPLE = 200  # rows by which the column of paths is found
_LABEL_NAMES = ("label", "labels", "class", "class_name", "category", "target", "species", "breed")
_SPLIT_COLUMNS = ("split", "set", "subset", "partition")


@dataclass(frozen=True)
class FoundColumns:
    """Numbers of columns, and whether the first row names them."""

    image: int
    label: int
    split: int | None
    group: int | None
    header: bool


def found_columns(table: Table, asked: TableColumns, finder: TableFiles) -> FoundColumns:
    """Find the columns.

    Args:
        table: read.
        asked: what the user said of its columns.
        finder: knows the files.

    Raises:
        DataError: a column is not there, or it is not plain which one is what.
    """
    image = _image_column(table, asked, finder)
    header = _is_header(table, image, finder)
    taken = [image]

    def column(wish: str | None, option: str, names: tuple[str, ...]) -> int | None:
        if wish is None:
            found = named_column(table, names, taken) if header else None
        else:
            # Where there is no header, a number that stands in the first row is no name.
            found = table.columns(wish, option)[0 if header else -1]
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
    return FoundColumns(image, label, split, group, header)


def _is_header(table: Table, image: int, finder: TableFiles) -> bool:
    """Whether the first row names the columns: it is no file, and does not look like one."""
    first = table.rows[0][image]
    others = {PurePosixPath(row[image]).suffix for row in table.rows[1 : _SAMPLE + 1]} - {""}
    return not finder.find(first) and PurePosixPath(first).suffix not in others


def _image_column(table: Table, asked: TableColumns, finder: TableFiles) -> int:
    """The column of the paths: the one asked for, or the one whose cells are files.

    Raises:
        DataError: no cell of it, or of any column, is a file.
    """
    rows = table.rows[: _SAMPLE + 1]
    if asked.image is not None:
        columns = table.columns(asked.image, "--image-column")
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


def said_of(table: Table, columns: FoundColumns) -> str:
    """Say which column was taken for what."""
    parts = {"images": columns.image, "labels": columns.label}
    parts |= {"splits": columns.split} if columns.split is not None else {}
    parts |= {"groups": columns.group} if columns.group is not None else {}
    named = [
        f"{what} in column {number + 1}" + (f" ({table.rows[0][number]})" if columns.header else "")
        for what, number in parts.items()
    ]
    return f"{table.path.name}: {', '.join(named)}"
