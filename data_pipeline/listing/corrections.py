"""Correct the labels of a data set by a file: CSV with the columns path, old, new, when.

A row holds while the label is still the old one. An empty new label sets the file aside; one that
equals the old says that somebody looked at it. Of several rows for a file the last one counts.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from data_pipeline.errors import DataError
from data_pipeline.listing.files import Files
from data_pipeline.listing.listing import LeftOut, ListedFile, Listing

COLUMNS = ("path", "old", "new", "when")
SET_ASIDE = "set aside by corrections"
_NAMED = 3  # of what is not applied
_FORMULA = ("=", "+", "-", "@", "'")  # how a cell begins that a spreadsheet would compute


@dataclass(frozen=True)
class Correction:
    """What somebody decided about one file.

    Attributes:
        path: relative to the root of the data set, with "/".
        old: the label that it had then.
        new: the label that it should have; "" for none: the file is set aside.
        when: date and time in ISO 8601, with the offset to UTC.
    """

    path: str
    old: str
    new: str
    when: str


def read_corrections(file: Path) -> dict[str, Correction]:
    """Read a file of corrections: the last one of each path.

    Raises:
        DataError: it cannot be read, or lacks a column.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig", errors="surrogateescape")
        reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval="")
        rows, columns = list(reader), reader.fieldnames or COLUMNS
    except (OSError, csv.Error) as error:
        raise DataError(f"{file}: {getattr(error, 'strerror', None) or error}") from error
    missing = [name for name in COLUMNS[:3] if name not in columns]
    if missing:
        raise DataError(
            f"{file}: has no column {', '.join(missing)}; expected {', '.join(COLUMNS)}, as "
            "'tune labels --serve' writes it"
        )
    found = (Correction(*(_value(row.get(name)) for name in COLUMNS)) for row in rows)
    return {each.path: each for each in found}


def written(corrections: Iterable[Correction]) -> bytes:
    """Write corrections as such a file; names go out as the bytes that they are."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in corrections:
        writer.writerow(map(_cell, (each.path, each.old, each.new, each.when)))
    return text.getvalue().encode(errors="surrogateescape")


def corrected(listing: Listing, file: Path) -> Listing:
    """Give the listed files the labels of a file of corrections.

    Raises:
        DataError: it cannot be read, or names a class that the data set does not have.
    """
    corrections = read_corrections(file)
    aside: list[LeftOut] = []
    relabelled: list[str] = []
    differing: list[str] = []

    def with_corrections() -> Iterator[ListedFile]:
        for listed in listing.files:
            correction = corrections.pop(listed.path, None)
            if correction is None or listed.label == correction.new:
                yield listed
            elif listed.label != correction.old:
                differing.append(listed.path)
                yield listed
            elif correction.new == "":
                aside.append(LeftOut(listed.path, SET_ASIDE))
            elif correction.new not in listing.class_names:
                raise DataError(
                    f"{file}: {listed.path} should be {correction.new}, which is no class; there "
                    f"are {', '.join(listing.class_names)}"
                )
            else:
                relabelled.append(listed.path)
                yield listed._replace(label=correction.new)

    files = Files.of(with_corrections())
    notes = (
        f"{file.name}: {_counted(len(relabelled), 'label')} corrected, "
        f"{_counted(len(aside), 'file')} set aside"
    )
    doubts = [
        f"{file.name}: {_counted(len(paths), 'row')} not applied, as {why}: {_some(paths)}"
        for why, paths in (
            ("the label is another by now", differing),
            ("there is no such file", sorted(corrections)),
        )
        if paths
    ]
    return replace(
        listing,
        files=files,
        left_out=tuple(sorted((*listing.left_out, *aside), key=lambda each: each.path)),
        notes=(*listing.notes, notes),
        doubts=(*listing.doubts, *doubts),
    )


def _cell(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA) else value


def _value(cell: str | None) -> str:
    text = cell or ""
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA) else text


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _some(paths: list[str]) -> str:
    more = len(paths) - _NAMED
    return ", ".join(paths[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
