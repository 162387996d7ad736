"""Remember which images a model was trained on, and find these and their copies in others."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from data_pipeline.catalog.entries import Catalog
from data_pipeline.catalog.table import SKETCH_BYTES, sketch_bytes
from data_pipeline.columns.column_file import ColumnFile
from data_pipeline.columns.digests import BYTES, Digests
from data_pipeline.columns.rows import Rows
from data_pipeline.columns.writing import write_columns
from data_pipeline.near_duplicates.copy_pairs import copy_pairs
from data_pipeline.near_duplicates.joined import joined
from data_pipeline.near_duplicates.sketch import CHARACTERS, Sketches
from data_pipeline.near_duplicates.stored_sketches import (
    SketchSource,
    StoredSketches,
    sketch_hashes,
)


@dataclass(frozen=True)
class KnownImages:
    """What tells images again.

    Attributes:
        pixel_hashes: of their upright pixels.
        sketches: see `data_pipeline.near_duplicates.sketch`, each once; none of images with few
            details.
    """

    pixel_hashes: Digests
    sketches: Rows

    @classmethod
    def of(cls, catalog: Catalog, rows: np.ndarray) -> Self:
        """Remember these rows of `catalog.kept`."""
        kept = catalog.kept
        hashes = kept.pixel_hashes.take(np.sort(rows))
        sketches = kept.sketches.take(np.sort(rows))
        distinct = _distinct(sketch_hashes(sketches))
        return cls(hashes.take(_distinct(hashes)), sketches.take(distinct))

    def save(self, path: Path) -> None:
        """Write it.

        Raises:
            OSError: the disk is full or failing.
        """
        hashes = {"pixel_hashes": self.pixel_hashes.content}
        write_columns(path, hashes | {"sketches": self.sketches}, {})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote; sketches are read when they are needed.

        Raises:
            OSError, ValueError: it cannot be read, or is something else.
        """
        file = ColumnFile(path)
        hashes = Digests(file.column("pixel_hashes", np.uint8, BYTES))
        return cls(hashes, file.rows("sketches", SKETCH_BYTES))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Self:
        """Make it of arrays of text, which older versions wrote.

        Sketches of still older versions cannot be compared, and are left out.

        Raises:
            ValueError: the arrays hold something else.
        """
        pixel_hashes, sketches = (
            [value.decode() for value in arrays[name].tolist()]
            for name in ("pixel_hashes", "sketches")
        )
        content = b"".join(sketch_bytes(text) for text in sketches if len(text) == CHARACTERS)
        stored = Rows.in_memory(np.frombuffer(content, np.uint8).reshape(-1, SKETCH_BYTES))
        return cls(Digests.of(pixel_hashes), stored.take(_distinct(sketch_hashes(stored))))

    def among(self, catalog: Catalog) -> np.ndarray:
        """Tell which kept images of another catalog are known, as they are or as a near-copy.

        Returns:
            bool [len(kept)].
        """
        kept = catalog.kept
        exact = np.isin(kept.pixel_hashes.keys, self.pixel_hashes.keys)
        return np.asarray(exact | self._near(kept.sketches))

    def _near(self, sketches: Rows) -> np.ndarray:
        """Tell which sketches are of a copy of a known image: bool [len(sketches)]."""
        ours, theirs = sketch_hashes(self.sketches), sketch_hashes(sketches)
        firsts = theirs.firsts()
        found = np.isin(theirs.keys, ours.keys)
        others = np.setdiff1d(_distinct(theirs), np.flatnonzero(found))
        count = len(self.sketches)
        if count and len(others):
            pairs = copy_pairs(_Both(StoredSketches(self.sketches), sketches.take(others)))
            # What is a copy of a known image's copy is one of that image.
            ids = joined(np.arange(count + len(others)), pairs)
            found[others] = np.isin(ids[count:], ids[:count])
        return found[firsts]


class _Both:
    """Sketches of known images, and after them others."""

    def __init__(self, known: SketchSource, others: Rows) -> None:
        self._known, self._others = known, StoredSketches(others)

    def __len__(self) -> int:
        return len(self._known) + len(self._others)

    def rows(self, index: np.ndarray) -> Sketches:
        """Those of some images."""
        is_known = index < len(self._known)
        known = self._known.rows(index[is_known])
        others = self._others.rows(index[~is_known] - len(self._known))
        # Back to the order that they were asked for.
        order = np.argsort(np.argsort(~is_known, kind="stable"), kind="stable")
        return Sketches(
            np.concatenate([known.grey, others.grey])[order],
            np.concatenate([known.colour, others.colour])[order],
        )


def _distinct(hashes: Digests) -> np.ndarray:
    """The first row of each hash, ascending; none of those without one."""
    firsts = np.unique(hashes.firsts())
    return np.asarray(firsts[hashes.filled[firsts]])
