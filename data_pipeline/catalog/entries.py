"""What is known of each file of a data set, as rows of columns."""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data_pipeline.catalog.entry import Entry
from data_pipeline.catalog.table import Entries
from data_pipeline.listing.listing import LeftOut


@dataclass(frozen=True)
class Catalog:
    """A checked data set.

    Attributes:
        root: the folder that the paths of entries are relative to.
        entries: of every file, sorted by path. A million take about 160 MB: loops over all of
            them read columns of `table` or of `kept`, and not one entry after the other.
        class_names: sorted.
        left_out: what else is there, and is not remembered.
        notes, doubts: sentences about how the data set was read, and about what may not be meant
            as it was taken; not remembered either.
        copies_file: where it is remembered which images are copies; None for nowhere.
        checked_by: the version of the checks, of which such copies are.
    """

    root: Path
    entries: Sequence[Entry]
    class_names: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    copies_file: Path | None = field(default=None, compare=False)
    checked_by: str = field(default="", compare=False)

    def __hash__(self) -> int:
        return hash((self.root, len(self.entries), self.class_names))

    @functools.cached_property
    def table(self) -> Entries:
        """The entries as columns."""
        return Entries.of(self.entries)

    @functools.cached_property
    def kept(self) -> Entries:
        """The usable images, in the order of `entries`; row i of prepared pixels is kept[i]."""
        usable = self.table.kept
        return self.table if usable.all() else self.table.take(np.flatnonzero(usable))

    @functools.cached_property
    def targets(self) -> np.ndarray:
        """int32 [len(kept)]: each kept image's index into `class_names`."""
        return self.kept.files.labels.of_names(self.class_names)

    @functools.cached_property
    def fingerprint(self) -> str:
        """Hex digest; other contents, labels, given splits or another order give another."""
        digest = hashlib.sha256("\0".join(self.class_names).encode(errors="surrogateescape"))
        kept = self.kept
        columns = (kept.content_hashes, kept.files.labels, kept.files.splits, kept.files.groups)
        for content, label, split, group in zip(*columns, strict=True):
            line = f"\n{content}\0{label}\0{split}"
            line += f"\0{group}" if group else ""
            digest.update(line.encode(errors="surrogateescape"))
        return digest.hexdigest()[:32]
