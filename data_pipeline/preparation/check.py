"""Check one file and write its pixels, in a worker, reading it once."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_pipeline.catalog.entry import Entry
from data_pipeline.decoding.decode import TENSORFLOW_READS, decode, read_bytes
from data_pipeline.decoding.hashes import content_hash, pixel_hash
from data_pipeline.decoding.tensorflow_decoder import require_decodable
from data_pipeline.errors import BadImageError
from data_pipeline.listing.listing import ListedFile
from data_pipeline.near_duplicates.sketch import sketch
from data_pipeline.pixels.building import RowFile
from data_pipeline.pixels.resize import resize


@dataclass(frozen=True)
class CheckTask:
    """One file to check.

    Attributes:
        root: the data folder.
        file: the file as it was listed.
        row: its row in `rows`.
        rows: where its resized pixels are written, one for each size that is needed.
        known: the content hash of an earlier check that found it usable, which is not made again
            if the content is the same; "" for none.
    """

    root: Path
    file: ListedFile
    row: int
    rows: tuple[RowFile, ...] = ()
    known: str = ""


def check_file(task: CheckTask) -> Entry | None:
    """Read, decode twice, hash, resize and write one file. A bad file is a result, not an error.

    Returns:
        What the check found; None where all is as the earlier check found it.

    Raises:
        DataError: the prepared pixels cannot be written.
    """
    try:
        contents, status = read_bytes(task.root / task.file.path)
    except BadImageError as error:
        return bad_entry(task.file, str(error))
    digest = content_hash(contents)
    seen = task.file._replace(bytes=status.st_size, mtime_ns=status.st_mtime_ns)
    try:
        pixels, format_name = decode(contents)
        entry = None
        if task.known != digest:
            if format_name in TENSORFLOW_READS:
                require_decodable(contents)
            entry = _kept_entry(seen, digest, pixels, format_name)
        for rows in task.rows:
            if rows.keeps(task.row):
                _write(rows, task.row, pixels)
    except (BadImageError, MemoryError) as error:
        reason = "out of memory" if isinstance(error, MemoryError) else str(error)
        return dataclasses.replace(bad_entry(seen, reason), content_hash=digest)
    return entry


def _write(rows: RowFile, row: int, pixels: np.ndarray) -> None:
    rows.write(row, resize(pixels, rows.image_size, resize_mode=rows.resize_mode))


def bad_entry(file: ListedFile, reason: str) -> Entry:
    """Make the entry of a file that is not used, with the reason."""
    return Entry.of(file, reason=reason)


def _kept_entry(file: ListedFile, digest: str, pixels: np.ndarray, format_name: str) -> Entry:
    height, width = pixels.shape[:2]
    return Entry.of(
        file,
        format=format_name,
        width=width,
        height=height,
        content_hash=digest,
        pixel_hash=pixel_hash(pixels),
        sketch=sketch(pixels),
        verdict="kept",
    )
