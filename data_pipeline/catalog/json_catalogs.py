"""Read checks that earlier versions remembered as JSON."""

import json
from pathlib import Path
from typing import Any

from data_pipeline.catalog.entry import Entry
from data_pipeline.catalog.table import Entries

# What they had for each file.
_FIELDS = (
    *("path", "label", "split", "bytes", "mtime_ns", "format", "width", "height"),
    *("content_hash", "pixel_hash", "sketch", "group", "verdict", "reason"),
)


def entries_of_json(path: Path, made_by: str) -> Entries:
    """Read a catalog of theirs, sorted by path; nothing where other decoders made the checks.

    Args:
        path: of the file.
        made_by: the program whose checks still hold.

    Raises:
        OSError, ValueError, KeyError, TypeError: it cannot be read, or is something else.
    """
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if values["made_by"] != made_by:
        return Entries.of(())
    catalog = values["catalog"]
    if catalog["fields"] != list(_FIELDS):
        raise ValueError(f"received fields {catalog['fields']}, expected {list(_FIELDS)}")
    return Entries.of(Entry(**dict(zip(_FIELDS, row, strict=True))) for row in catalog["entries"])
