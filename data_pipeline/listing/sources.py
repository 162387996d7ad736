"""List labelled images from any source: the table of sources, and the choice of one.

A new one is a module with a function that lists the files, and a row of `SOURCES`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from data_pipeline.columns.strings import Strings
from data_pipeline.errors import DataError
from data_pipeline.listing.class_folders import list_class_folders
from data_pipeline.listing.corrections import corrected
from data_pipeline.listing.files import Files
from data_pipeline.listing.label_table import TableColumns, list_label_table
from data_pipeline.listing.listing import Listing


@dataclass(frozen=True)
class DataOptions:
    """What a user may say of a data set besides where it is.

    Attributes:
        follow_links: whether linked folders and files outside of the data set are taken.
        least: how many classes there must be.
        labels: a table of labels; None where folders say them.
        columns: what is known of its columns.
        group_by: a regular expression on the path; files for which its first group, or all that
            it matches, is the same are never in two splits.
        corrections: a file of corrected labels; None for the labels as they are.
    """

    follow_links: bool = False
    least: int = 2
    labels: Path | None = None
    columns: TableColumns = TableColumns()
    group_by: str | None = None
    corrections: Path | None = None

    @classmethod
    def of(
        cls,
        *,
        least: int = 2,
        follow_links: bool | None = None,
        labels: str | Path | None = None,
        image_column: str | None = None,
        label_column: str | None = None,
        split_column: str | None = None,
        group_column: str | None = None,
        group_by: str | None = None,
        corrections: str | Path | None = None,
    ) -> Self:
        """Make them from the options of a command line, None being what was not given.

        Raises:
            DataError: a column is given, but no table.
        """
        columns = TableColumns(image_column, label_column, split_column, group_column)
        if labels is None and columns != TableColumns():
            raise DataError("received a column of a table, but no table; name it by --labels")
        return cls(
            follow_links=bool(follow_links),
            least=least,
            labels=None if labels is None else Path(labels),
            columns=columns,
            group_by=group_by,
            corrections=None if corrections is None else Path(corrections),
        )


@dataclass(frozen=True)
class ImageSource:
    """One way in which a data set can say which images it has and what they show.

    Attributes:
        expected: what the user has to give, in words, for error messages.
        accepts: whether it can list the data set at this path.
        list_images: lists it without opening an image; raises `DataError` where it is not as
            expected.
    """

    expected: str
    accepts: Callable[[Path, DataOptions], bool]
    list_images: Callable[[Path, DataOptions], Listing]


def _is_folder(data: Path, options: DataOptions) -> bool:
    return data.is_dir() and options.labels is None


def _has_table(data: Path, options: DataOptions) -> bool:
    return data.is_dir() and options.labels is not None


def _label_table(data: Path, options: DataOptions) -> Listing:
    assert options.labels is not None
    return list_label_table(
        data,
        options.labels,
        options.columns,
        follow_links=options.follow_links,
        least=options.least,
    )


def _class_folders(data: Path, options: DataOptions) -> Listing:
    return list_class_folders(data, follow_links=options.follow_links, least=options.least)


SOURCES: tuple[ImageSource, ...] = (
    ImageSource("a folder with a folder for each class", _is_folder, _class_folders),
    ImageSource("a folder and a table of labels (--labels)", _has_table, _label_table),
)
PLAIN = DataOptions()


def list_images(data: Path, options: DataOptions = PLAIN) -> Listing:
    """List the labelled images of a data set, by the first source that accepts its path.

    Raises:
        DataError: no source accepts it, or what the source found is not as expected.
    """
    for source in SOURCES:
        if source.accepts(data, options):
            listing = source.list_images(data, options)
            if options.corrections:
                listing = corrected(listing, options.corrections)
            return grouped(listing, options.group_by) if options.group_by else listing
    problem = "no labelled images to be read" if data.exists() else "no such file or folder"
    expected = " or ".join(source.expected for source in SOURCES)
    raise DataError(f"{data}: {problem}; expected {expected}")


def grouped(listing: Listing, pattern: str) -> Listing:
    """Group files by what a regular expression finds in their paths; the others stay alone.

    Raises:
        DataError: it is no regular expression, or finds nothing in any path.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise DataError(
            f"received --group-by {pattern!r}: {error}; expected a regular expression"
        ) from error
    files = Files.of(listing.files)
    found = map(expression.search, files.paths)
    groups = Strings.of((match[bool(expression.groups)] or "") if match else "" for match in found)
    names = set(groups) - {""}
    if not names:
        example = listing.files[0].path if listing.files else ""
        raise DataError(
            f"{listing.root}/: --group-by {pattern!r} finds nothing in any path; one is {example!r}"
        )
    note = f"--group-by: {len(names):,} groups of {groups.filled.sum():,} files"
    if files.groups.filled.any():  # the files in which nothing is found stay in those
        pairs = zip(groups, files.groups, strict=True)
        groups = Strings.of(group or given for group, given in pairs)
    return replace(listing, files=files.with_groups(groups), notes=(*listing.notes, note))
