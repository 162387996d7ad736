"""What is known of one file of a data set."""

from dataclasses import dataclass
from typing import Any, Literal, Self

from data_pipeline.listing.listing import ListedFile, Split

Verdict = Literal["kept", "bad"]


@dataclass(frozen=True)
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

    @classmethod
    def of(cls, file: ListedFile, **found: Any) -> Self:
        """Make the entry of a listed file of what its check has found."""
        return cls(
            file.path,
            file.label,
            file.split,
            file.bytes,
            file.mtime_ns,
            group=file.group,
            **found,
        )
