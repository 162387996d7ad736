"""What a user may say of a data set besides where it is; imports nothing that takes time."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from data_pipeline.errors import DataError


@dataclass(frozen=True)
class TableColumns:
    """Which columns of the table are what: a name or a number from 1 on; None for a guess.

    Attributes:
        image: paths of the images.
        label: their labels.
        split: which split each is in; without one named so there are no given splits.
        group: what images of one group have in common; never guessed.
    """

    image: str | None = None
    label: str | None = None
    split: str | None = None
    group: str | None = None


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


PLAIN = DataOptions()
