"""Sketches of more images than fit into memory: read when they are asked for."""

from typing import Protocol

import numpy as np

from data_pipeline.columns.digests import Digests
from data_pipeline.columns.rows import Rows
from data_pipeline.near_duplicates.sketch import Sketches, mirrored, sketches_of


class SketchSource(Protocol):
    """Sketches of some images, which may be more than fit into memory."""

    def __len__(self) -> int: ...

    def rows(self, index: np.ndarray) -> Sketches:
        """Those of some images."""
        ...


class StoredSketches:
    """Sketches that are read when they are asked for.

    Args:
        stored: 705 bytes each.
    """

    def __init__(self, stored: Rows) -> None:
        self._stored = stored

    def __len__(self) -> int:
        return len(self._stored)

    def rows(self, index: np.ndarray) -> Sketches:
        """Those of some images."""
        return sketches_of(self._stored.read(index))


def sketch_hashes(sketches: Rows) -> Digests:
    """Hash stored sketches; where there is none, there is no hash."""
    found = Digests.of_contents(row.tobytes() for piece in sketches.pieces() for row in piece)
    none = Digests.of_contents([bytes(sketches.width)]).content
    content = found.content.copy()
    content[(content == none).all(axis=1)] = 0
    return Digests(content)


class SomeSketches:
    """Some of the sketches of a source.

    Args:
        source: of all.
        chosen: int64, which.
    """

    def __init__(self, source: SketchSource, chosen: np.ndarray) -> None:
        self._source, self._chosen = source, chosen

    def __len__(self) -> int:
        return len(self._chosen)

    def rows(self, index: np.ndarray) -> Sketches:
        """Those of some images."""
        return self._source.rows(self._chosen[index])


class WithMirrored:
    """Sketches of images, and after them those of the same images mirrored.

    Args:
        source: the sketches of the images.
    """

    def __init__(self, source: SketchSource) -> None:
        self.images, self._source = len(source), source

    def __len__(self) -> int:
        return 2 * self.images

    def rows(self, index: np.ndarray) -> Sketches:
        """Those of some images, mirrored or not."""
        found = self._source.rows(index % self.images)
        grey, colour = found.grey.copy(), found.colour.copy()
        turned = index >= self.images
        grey[turned], colour[turned] = mirrored(grey[turned]), mirrored(colour[turned])
        return Sketches(grey, colour)
