"""What is known of each file of a data set, as plain data and as JSON."""

import dataclasses
import functools
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from data_pipeline.listing.listing import LeftOut, Split

Verdict = Literal["kept", "bad"]


@dataclasses.dataclass(frozen=True)
class Entry:
    """One file and what its check found.

    Attributes:
        path: relative to the root, with "/"; bytes that are no UTF-8 are surrogate escapes.
        label: the name of its class.
        split: where the user put it, None where the source gives no splits.
        bytes: the file's size.
        mtime_ns: the file's time of change; with size and path it tells a changed file.
        format: one of `data_pipeline.decoding.decode.FORMATS`, or "HEIF"; "" where bad.
        width: in pixels once upright; 0 where bad.
        height: in pixels once upright; 0 where bad.
        content_hash: of the file's bytes, hex; "" where they could not be read.
        pixel_hash: of the upright RGB pixels, hex; "" where bad.
        sketch: what it looks like (see `data_pipeline.near_duplicates.sketch`), 940 characters;
            "" where bad, and where an image has too few details.
        group: what it has in common with other files (a patient, a recording); "" for nothing.
        verdict: "kept" where both decoders read it, else "bad".
        reason: "" where kept, else words that do not change and, after ":", a detail.
    """

    path: str
    label: str
    split: Split | None
    bytes: int
    mtime_ns: int
    format: str = ""
    width: int = 0
    height: int = 0
    content_hash: str = ""
    pixel_hash: str = ""
    sketch: str = ""
    group: str = ""
    verdict: Verdict = "bad"
    reason: str = ""


_FIELDS = tuple(field.name for field in dataclasses.fields(Entry))


@dataclasses.dataclass(frozen=True)
class Catalog:
    """A checked data set.

    Attributes:
        root: the folder that the paths of entries are relative to.
        entries: of every file, sorted by path.
        class_names: sorted.
        left_out: what else is there, and is not remembered.
        notes, doubts: sentences about how the data set was read, and about what may not be meant
            as it was taken; not remembered either.
    """

    root: Path
    entries: tuple[Entry, ...]
    class_names: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @functools.cached_property
    def kept(self) -> tuple[Entry, ...]:
        """The usable images, in the order of `entries`; row i of prepared pixels is kept[i]."""
        return tuple(entry for entry in self.entries if entry.verdict == "kept")

    @functools.cached_property
    def targets(self) -> np.ndarray:
        """int32 [len(kept)]: each kept image's index into `class_names`."""
        index = {label: number for number, label in enumerate(self.class_names)}
        return np.array([index[entry.label] for entry in self.kept], np.int32)

    @functools.cached_property
    def fingerprint(self) -> str:
        """Hex digest; other contents, labels, given splits or another order give another."""
        digest = hashlib.sha256("\0".join(self.class_names).encode(errors="surrogateescape"))
        for entry in self.kept:
            line = f"\n{entry.content_hash}\0{entry.label}\0{entry.split or ''}"
            line += f"\0{entry.group}" if entry.group else ""
            digest.update(line.encode(errors="surrogateescape"))
        return digest.hexdigest()[:32]

    def to_json(self) -> dict[str, Any]:
        """Return plain values. An entry is a list in the order of "fields", for small files."""
        return {
            "root": os.fspath(self.root),
            "labels": list(self.class_names),
            "fields": list(_FIELDS),
            "entries": [[getattr(entry, name) for name in _FIELDS] for entry in self.entries],
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Make a catalog of what `to_json` returned.

        Raises:
            ValueError, KeyError, TypeError: `values` are not what `to_json` makes.
        """
        if values["fields"] != list(_FIELDS):
            raise ValueError(f"received fields {values['fields']}, expected {list(_FIELDS)}")
        entries = tuple(_entry(row) for row in values["entries"])
        return cls(Path(values["root"]), entries, tuple(values["labels"]))


def _entry(row: Sequence[Any]) -> Entry:
    if len(row) != len(_FIELDS):
        raise ValueError(f"received an entry of {len(row)} fields, expected {len(_FIELDS)}")
    return Entry(*row)
