"""What the checks of a data set have found so far, row by row."""

import os
import tempfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from data_pipeline.atomic_files import make_folder
from data_pipeline.catalog.cache import copies_file, load_entries, made_by
from data_pipeline.catalog.entries import Catalog
from data_pipeline.catalog.entry import Entry
from data_pipeline.catalog.table import SKETCH_BYTES, Entries, sketch_bytes
from data_pipeline.columns.codes import Codes
from data_pipeline.columns.digests import BYTES, Digests, digest_bytes
from data_pipeline.columns.rows import Rows
from data_pipeline.columns.strings import Strings
from data_pipeline.listing.files import Files
from data_pipeline.listing.listing import Listing

# How reasons begin that may no longer hold the next time, although the file has not changed: a
# machine with too little memory or a slow network drive makes decoders fail on good files.
_PASSING_REASONS = (
    "unreadable",
    "changed",
    "took over",
    "no answer",
    "killed its decoder",
    "out of memory",
    "format not supported: HEIC",  # its package may be there by now
)


class Checks:
    """The checks of listed files, of which row i is the i-th; begins with those that still hold.

    Attributes:
        listing: the files.
        done: bool [files], which have been checked, now or earlier.
        kept: bool [files], which of these are usable.
        content_hashes, pixel_hashes: uint8 [files, 16]; 0 for none.
        to_repeat: int64, rows whose last check failed for a reason that may no longer hold.
    """

    def __init__(self, data: Path, listing: Listing, cache_dir: Path) -> None:
        self.listing = listing
        self._files, self._folder = Files.of(listing.files), cache_dir / "catalogs"
        self._copies_file = copies_file(data, cache_dir)
        before = load_entries(data, cache_dir)
        self.done = np.zeros(len(self._files), bool)
        self._bytes, self._mtime_ns = self._files.bytes.copy(), self._files.mtime_ns.copy()
        names = dict.fromkeys(("", *before.formats.names))
        self._formats = {name: number for number, name in enumerate(names)}
        self._reasons: dict[int, str] = {}
        self._sketches: IO[Any] | None = None
        self._take(before)
        for row in np.flatnonzero(self._files.problems.filled).tolist():
            self.done[row], self._reasons[row] = True, self._files.problems[row]

    def _make_room(self) -> None:
        """Make the columns that checks fill."""
        count = len(self.done)
        self.kept = np.zeros(count, bool)
        self._format_codes = np.zeros(count, np.int32)
        self._sizes = np.zeros((count, 2), np.int32)
        self.content_hashes = np.zeros((count, BYTES), np.uint8)
        self.pixel_hashes = np.zeros((count, BYTES), np.uint8)

    def _take(self, before: Entries) -> None:
        """Take the remembered checks of files that are as they were."""
        self._remembered = before.sketches  # the rest is not needed any more afterwards
        place = self._files.paths.rows_in(before.files.paths)
        rows = np.flatnonzero((place >= 0) & ~self._files.problems.filled)
        at = place[rows]
        reasons = before.files.problems
        passing = np.zeros(len(before), bool)
        for number in np.flatnonzero(reasons.filled).tolist():
            passing[number] = reasons[number].startswith(_PASSING_REASONS)
        self.to_repeat = rows[passing[at]]
        as_it_was = before.files.bytes[at] == self._bytes[rows]
        as_it_was &= before.files.mtime_ns[at] == self._mtime_ns[rows]
        still = as_it_was & ~passing[at]
        rows, at = rows[still], at[still]
        # Where the sketch of each row is among the remembered ones; -1 for a new one.
        self._place = np.full(len(place), -1)
        self._place[rows] = at
        # What has a problem has no sketch, and had none the last time.
        aside = np.flatnonzero((place >= 0) & self._files.problems.filled)
        aside = aside[~before.kept[place[aside]]]
        self._place[aside] = place[aside]
        self.done[rows] = True
        numbers = np.array([self._formats[name] for name in before.formats.names], np.int32)
        codes = numbers[before.formats.codes] if len(numbers) else before.formats.codes
        if len(at) == len(place) == len(before):
            # Nothing has changed: the columns are taken as they are, without a copy.
            self.kept, self._format_codes = _writeable(before.kept), _writeable(codes)
            self._sizes = _writeable(before.sizes)
            self.content_hashes = _writeable(before.content_hashes.content)
            self.pixel_hashes = _writeable(before.pixel_hashes.content)
        else:
            self._make_room()
            self.kept[rows], self._format_codes[rows] = before.kept[at], codes[at]
            self._sizes[rows] = before.sizes[at]
            self.content_hashes[rows] = before.content_hashes.content[at]
            self.pixel_hashes[rows] = before.pixel_hashes.content[at]
        of_bad = reasons.filled[at]
        for row, number in zip(rows[of_bad].tolist(), at[of_bad].tolist(), strict=True):
            self._reasons[row] = reasons[number]

    def record(self, row: int, entry: Entry) -> None:
        """Take the check of a file.

        Raises:
            OSError: the disk is full.
        """
        self.done[row], self.kept[row] = True, entry.verdict == "kept"
        self._bytes[row], self._mtime_ns[row] = entry.bytes, entry.mtime_ns
        self._format_codes[row] = self._formats.setdefault(entry.format, len(self._formats))
        self._sizes[row] = entry.width, entry.height
        for hashes, text in (
            (self.content_hashes, entry.content_hash),
            (self.pixel_hashes, entry.pixel_hash),
        ):
            hashes[row] = np.frombuffer(digest_bytes(text), np.uint8)
        self._reasons.pop(row, None)
        if entry.reason:
            self._reasons[row] = entry.reason
        if self._sketches is None:
            self._sketches = self._new_file()
        os.pwrite(self._sketches.fileno(), sketch_bytes(entry.sketch), row * SKETCH_BYTES)

    def catalog(self) -> Catalog:
        """The catalog of what has been checked so far."""
        whole = bool(self.done.all())
        reasons = dict(sorted(self._reasons.items()))
        files = Files(
            self._files.paths,
            self._files.labels,
            self._files.splits,
            self._bytes,
            self._mtime_ns,
            Strings.of_some(reasons, len(self.done)),
            self._files.groups,
        )
        entries = Entries(
            files,
            self.kept,
            Codes(self._format_codes, tuple(self._formats)),
            self._sizes,
            Digests(self.content_hashes),
            Digests(self.pixel_hashes),
            self._sketch_rows(),
        )
        listing = self.listing
        return Catalog(
            listing.root,
            entries if whole else entries.take(np.flatnonzero(self.done)),
            listing.class_names,
            left_out=listing.left_out,
            notes=listing.notes,
            doubts=listing.doubts,
            copies_file=self._copies_file,
            checked_by=made_by(),
        )

    def _sketch_rows(self) -> Rows:
        if self._sketches is None and (self._place >= 0).all():
            return self._remembered.take(self._place)
        if self._sketches is None:
            self._sketches = self._new_file()
        return Rows(self._sketches, SKETCH_BYTES, np.arange(len(self.done)))

    def _new_file(self) -> IO[Any]:
        """Make a file without a name for sketches, with those that are remembered.

        Each row has its place in it. It is gone when this process ends, however it ends.
        """
        make_folder(self._folder, shared=True)
        # Open as long as rows of it are read, for which the catalog holds it.
        file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115
        file.truncate(len(self.done) * SKETCH_BYTES)
        rows = np.flatnonzero(self._place >= 0)
        for piece in np.array_split(rows, -(-len(rows) // 4096)) if len(rows) else ():
            content = self._remembered.read(self._place[piece])
            for run in np.split(np.arange(len(piece)), np.flatnonzero(np.diff(piece) != 1) + 1):
                os.pwrite(file.fileno(), content[run].tobytes(), int(piece[run[0]]) * SKETCH_BYTES)
        return file


def _writeable(column: np.ndarray) -> np.ndarray:
    """The column itself where it can be written to, else a copy."""
    return column if column.flags.writeable else column.copy()
