"""List labelled images from any source: the table of sources, and the choice of one.

A new one is a module with a function that lists the files, and a row of `SOURCES`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from data_pipeline.columns.strings import Strings
from data_pipeline.errors import DataError
from data_pipeline.listing.class_folders import list_class_folders
from data_pipeline.listing.corrections import corrected
from data_pipeline.listing.data_options import PLAIN, DataOptions
from data_pipeline.listing.files import Files
from data_pipeline.listing.label_table import list_label_table
from data_pipeline.listing.listing import Listing


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
