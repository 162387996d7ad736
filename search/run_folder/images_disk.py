"""How much disk the prepared images of a search and their features may take."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from models.families.registry import searched
from search.process.machine.disk import RESERVE_BYTES, free_bytes

_FREE_SHARE = 0.5  # of what is free, where nothing is said
_FEATURES_SHARE, _LARGER_SHARE = 0.2, 0.8  # of that; the images have the rest


@dataclass(frozen=True)
class ImagesDisk:
    """The disk of one search.

    Attributes:
        limit: bytes, as the user gave them; None for half of what is free.
        features_first: whether the search needs features alone: each network sees an image once,
            so that features have the larger share, and images that are not kept cost little.
    """

    limit: int | None = None
    features_first: bool = False

    def for_families(self, families: Iterable[str]) -> "ImagesDisk":
        """The same where these families are searched."""
        return replace(self, features_first=not searched(tuple(families)))

    def images(self, cache_dir: Path, used: int) -> int:
        """Bytes that prepared images may take.

        Args:
            cache_dir: where they are kept.
            used: bytes of them that are there already.
        """
        free = free_bytes(cache_dir) + used
        limit = int(self._of(free)) - self.features(free)
        return max(0, min(limit, free - RESERVE_BYTES))

    def features(self, free: int) -> int:
        """Bytes that features may take.

        Args:
            free: bytes of the disk that are free, or taken by features.
        """
        share = _LARGER_SHARE if self.features_first else _FEATURES_SHARE
        return int(share * self._of(free))

    def _of(self, free: int) -> float:
        return _FREE_SHARE * free if self.limit is None else self.limit
