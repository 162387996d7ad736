"""How much disk the prepared images of a search and their features may take."""

from dataclasses import dataclass
from pathlib import Path

from search.process.machine.disk import RESERVE_BYTES, free_bytes

_FREE_SHARE = 0.5  # of what is free, where nothing is said
_FEATURES_SHARE = 0.2  # of that; the images have the rest


@dataclass(frozen=True)
class ImagesDisk:
    """The disk of one search.

    Attributes:
        limit: bytes, as the user gave them; None for half of what is free.
    """

    limit: int | None = None

    def images(self, cache_dir: Path, used: int) -> int:
        """Bytes that prepared images may take.

        Args:
            cache_dir: where they are kept.
            used: bytes of them that are there already.
        """
        free = free_bytes(cache_dir) + used
        limit = _FREE_SHARE * free if self.limit is None else self.limit
        return max(0, min(int((1 - _FEATURES_SHARE) * limit), free - RESERVE_BYTES))

    @property
    def features(self) -> int | None:
        """Bytes that features may take; None for a share of what is free when they are made."""
        return None if self.limit is None else int(_FEATURES_SHARE * self.limit)
