"""Read a table of text: find its separator, its header and the columns that are asked for."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.errors import DataError

# In the order of preference where several fit: file names hold commas and blanks more often than
# semicolons and tabs.
_SEPARATORS = {"\t": "tabs", ";": "semicolons", ",": "commas", " ": "spaces"}
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Table:
    """Rows of cells, each row with as many.

    Attributes:
        path: of the file.
        rows: all lines that are not empty, the header too where there is one.
        lines: number of each row's line in the file, from 1 on.
    """

    path: Path
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.rows[0])

    def columns(self, asked: str, option: str) -> list[int]:
        """Find the columns that may be meant by a word, one or two.

        The one of that name in the first row comes before the one of that number, from 1 on.

        Raises:
            DataError: there is none.
        """
        names = [cell.casefold() for cell in self.rows[0]]
        found = [names.index(asked.casefold())] if asked.casefold() in names else []
        if asked.isdigit() and 1 <= int(asked) <= self.width:
            found.append(int(asked) - 1)
        if found:
            return found
        raise DataError(
            f"{self.path}: received {option} {asked}, expected one of "
            f"{', '.join(self.rows[0])} or a number from 1 to {self.width}"
        )


def read_table(path: Path) -> Table:
    """Read a table whose cells are separated by tabs, semicolons, commas or runs of spaces.

    Raises:
        DataError: the file cannot be read, is no text in UTF-8 or UTF-16, or its lines do not have
            the same number of columns, at least two.
    """
    text = _text(path)
    found = ""
    for separator, name in _SEPARATORS.items():
        rows, lines = _split(text, separator)
        if not rows:
            raise DataError(f"{path}: the table is empty; expected a line for each image")
        widths = [len(row) for row in rows]
        if min(widths) == max(widths) > 1:
            return Table(path, tuple(rows), tuple(lines))
        odd = next((n for n, width in enumerate(widths) if width != widths[0]), None)
        if odd is not None and widths[0] > 1 and not found:
            found = (
                f"; with {name} line {lines[0]} has {widths[0]} columns and "
                f"line {lines[odd]} has {widths[odd]}"
            )
    raise DataError(
        f"{path}: expected the same columns in each line, two or more, separated by tabs, "
        f"semicolons, commas or spaces{found}"
    )


def _text(path: Path) -> str:
    try:
        contents = path.read_bytes()
        wide = contents.startswith(_BYTE_ORDER_MARKS)
        return contents.decode("utf-16" if wide else "utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; expected a table of labels") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: not in UTF-8 (byte {error.start}); save the table as CSV in UTF-8"
        ) from error


def _split(text: str, separator: str) -> tuple[list[tuple[str, ...]], list[int]]:
    reader = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True)
    rows, lines = [], []
    for cells in reader:
        row = tuple(cell.strip() for cell in cells)
        if separator == " " and row and not row[-1]:  # blanks at the end of a line
            row = row[:-1]
        if any(row):
            rows.append(row)
            lines.append(reader.line_num)
    return rows, lines


def named_column(table: Table, names: Sequence[str], taken: Sequence[int]) -> int | None:
    """The only column whose first cell is one of these names; None where there is not one."""
    found = [
        number
        for number, cell in enumerate(table.rows[0])
        if cell.casefold() in names and number not in taken
    ]
    return found[0] if len(found) == 1 else None
