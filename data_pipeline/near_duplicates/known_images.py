"""Remember which images a model was trained on, and find these and their copies in others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from data_pipeline.catalog.entries import Catalog
from data_pipeline.near_duplicates.copy_pairs import copy_pairs
from data_pipeline.near_duplicates.sketch import CHARACTERS, read_sketches


@dataclass(frozen=True)
class KnownImages:
    """What tells images again.

    Attributes:
        pixel_hashes: of their upright pixels, hex.
        sketches: see `data_pipeline.near_duplicates.sketch`; none of images with few details.
    """

    pixel_hashes: frozenset[str]
    sketches: frozenset[str]

    @classmethod
    def of(cls, catalog: Catalog, rows: Iterable[int]) -> Self:
        """Remember these rows of `catalog.kept`."""
        entries = [catalog.kept[row] for row in rows]
        return cls(
            frozenset(entry.pixel_hash for entry in entries),
            frozenset(entry.sketch for entry in entries if entry.sketch),
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """As arrays of bytes, to be written."""
        return {
            "pixel_hashes": np.array(sorted(self.pixel_hashes), np.bytes_),
            "sketches": np.array(sorted(self.sketches), np.bytes_),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Self:
        """Make it of what `arrays` returned; sketches of older versions cannot be compared.

        Raises:
            ValueError: the arrays hold something else.
        """
        pixel_hashes, sketches = (
            [value.decode() for value in arrays[name].tolist()]
            for name in ("pixel_hashes", "sketches")
        )
        known = [text for text in sketches if len(text) == CHARACTERS]
        read_sketches(known)
        return cls(frozenset(pixel_hashes), frozenset(known))

    def among(self, catalog: Catalog) -> np.ndarray:
        """Tell which kept images of another catalog are known, as they are or as a near-copy.

        Returns:
            bool [len(kept)].
        """
        near = self._near({entry.sketch for entry in catalog.kept if entry.sketch})
        return np.array(
            [
                entry.pixel_hash in self.pixel_hashes or entry.sketch in near
                for entry in catalog.kept
            ],
            bool,
        )

    def _near(self, sketches: set[str]) -> set[str]:
        """Those of `sketches` that are of a copy of a known image."""
        together = sorted(sketches | self.sketches)
        pairs = copy_pairs(read_sketches(together)).tolist()
        found = sketches & self.sketches
        for first, second in (pair for one, two in pairs for pair in ((one, two), (two, one))):
            if together[first] in self.sketches and together[second] in sketches:
                found.add(together[second])
        return found
