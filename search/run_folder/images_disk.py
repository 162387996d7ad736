"""How much disk the prepared images of a search and their features may take."""

from dataclasses import dataclass
from pathlib import Path

from models.families.registry import searched
from search.process.machine.disk import RESERVE_BYTES, free_bytes
from search.run_folder.config import RunConfig

_FREE_SHARE = 0.5  # of what is free, where nothing is said
_FEATURES_SHARE, _MOST_FEATURES = 0.2, 0.8  # of that; the images have the rest
_FEATURES_BYTES = 8192  # of an image in one network, at most: 2048 numbers


@dataclass(frozen=True)
class ImagesDisk:
    """The disk of one search.

    Attributes:
        limit: bytes, as the user gave them; None for half of what is free.
        per_image: bytes that the features of an image may take, where the search needs nothing
            else: each network sees an image once, so that images which are not kept cost little.
            0 where images are trained on too.
    """

    limit: int | None = None
    per_image: int = 0

    @classmethod
    def of(cls, limit: int | None, config: RunConfig) -> "ImagesDisk":
        """That of a run, within a limit."""
        features_alone = not searched(config.families)
        return cls(limit, _FEATURES_BYTES * len(config.raced) if features_alone else 0)

    def images(self, cache_dir: Path, used: int, count: int) -> int:
        """Bytes that prepared images may take.

        Args:
            cache_dir: where they are kept.
            used: bytes of them that are there already.
            count: number of all images.
        """
        free = free_bytes(cache_dir) + used
        return max(0, min(int(self._of(free)) - self.features(free, count), free - RESERVE_BYTES))

    def features(self, free: int, count: int) -> int:
        """Bytes that features may take.

        Args:
            free: bytes of the disk that are free, or taken by features.
            count: number of all images.
        """
        limit = self._of(free)
        wanted = min(_MOST_FEATURES * limit, self.per_image * count)
        return max(0, min(int(max(_FEATURES_SHARE * limit, wanted)), free - RESERVE_BYTES))

    def _of(self, free: int) -> float:
        return _FREE_SHARE * free if self.limit is None else self.limit
