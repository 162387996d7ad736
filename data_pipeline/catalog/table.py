"""Entries of a catalog as columns: about 120 bytes each and their paths; sketches stay on disk."""

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from data_pipeline.catalog.entry import Entry
from data_pipeline.columns.codes import Codes
from data_pipeline.columns.digests import Digests
from data_pipeline.columns.lazy_sequence import LazySequence
from data_pipeline.columns.rows import Rows
from data_pipeline.listing.files import Files
from data_pipeline.listing.listing import ListedFile

SKETCH_BYTES = 705


@dataclass(frozen=True, eq=False)
class Entries(LazySequence[Entry]):
    """Checked files, of which row i is the i-th.

    Attributes:
        files: what was known of them before their checks, with size and time as they were then;
            `problems` are the reasons why they are bad.
        kept: bool [files], which are usable.
        formats: as `Entry` has them.
        sizes: int32 [files, 2], width and height in pixels.
        content_hashes, pixel_hashes: as `Entry` has them.
        sketches: 705 bytes each, all 0 for none.
    """

    files: Files
    kept: np.ndarray
    formats: Codes
    sizes: np.ndarray
    content_hashes: Digests
    pixel_hashes: Digests
    sketches: Rows

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Self:
        """Make columns of entries.

        Raises:
            ValueError: a hash or a sketch is none.
        """
        if isinstance(entries, cls):
            return entries
        rows = list(entries)
        sketches = b"".join(sketch_bytes(row.sketch) for row in rows)
        return cls(
            Files.of(
                ListedFile(
                    row.path, row.label, row.split, row.bytes, row.mtime_ns, row.reason, row.group
                )
                for row in rows
            ),
            np.array([row.verdict == "kept" for row in rows], bool),
            Codes.of(row.format for row in rows),
            np.array([(row.width, row.height) for row in rows], np.int32).reshape(-1, 2),
            Digests.of(row.content_hash for row in rows),
            Digests.of(row.pixel_hash for row in rows),
            Rows.in_memory(np.frombuffer(sketches, np.uint8).reshape(-1, SKETCH_BYTES)),
        )

    def require_equal_lengths(self) -> None:
        """Require a value of each column for each file, as of what was read from a file.

        Raises:
            ValueError: a column is shorter or longer.
        """
        columns = (*self.files.columns(), *self._columns())
        if any(len(column) != len(self.files.paths) for column in columns):
            raise ValueError("its columns are of unequal length")

    def __len__(self) -> int:
        return len(self.files)

    def _item(self, row: int) -> Entry:
        (entry,) = self.take(np.array([row]))
        return entry

    def _items(self, rows: range) -> Self:
        return self.take(np.array(rows, np.int64))

    def __iter__(self) -> Iterator[Entry]:
        sketches = (row for piece in self.sketches.pieces() for row in piece)
        *columns, _ = self._columns()
        return (_entry(*row) for row in zip(self.files, *columns, sketches, strict=True))

    def take(self, rows: np.ndarray) -> Self:
        """Take some of the entries."""
        return type(self)(
            self.files.take(rows),
            self.kept[rows],
            self.formats.take(rows),
            self.sizes[rows],
            self.content_hashes.take(rows),
            self.pixel_hashes.take(rows),
            self.sketches.take(rows),
        )

    def _columns(self) -> tuple[Any, ...]:
        return (
            self.kept,
            self.formats,
            self.sizes,
            self.content_hashes,
            self.pixel_hashes,
            self.sketches,
        )


def sketch_bytes(sketch: str) -> bytes:
    """The numbers of a sketch, of which none is all 0s.

    Raises:
        ValueError: it is no sketch.
    """
    content = base64.b64decode(sketch, validate=True) if sketch else bytes(SKETCH_BYTES)
    if len(content) != SKETCH_BYTES:
        raise ValueError(f"received a sketch of {len(content)} bytes, expected {SKETCH_BYTES}")
    return content


def _entry(
    file: ListedFile,
    kept: Any,
    format_name: str,
    size: np.ndarray,
    content_hash: str,
    pixel_hash: str,
    sketch: np.ndarray,
) -> Entry:
    width, height = size.tolist()
    numbers = sketch.tobytes()
    return Entry.of(
        file,
        format=format_name,
        width=width,
        height=height,
        content_hash=content_hash,
        pixel_hash=pixel_hash,
        sketch=base64.b64encode(numbers).decode() if any(numbers) else "",
        verdict="kept" if kept else "bad",
        reason=file.problem,
    )
