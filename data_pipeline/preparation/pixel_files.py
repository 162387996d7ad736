"""Choose the files of prepared pixels that a data set is given, within the disk they may take."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from data_pipeline.catalog.entries import Catalog
from data_pipeline.pixels.prepared import Donor, PreparedPixels, parts_of, pixels_of
from data_pipeline.pixels.resize_mode import ResizeMode

MORE = 1.2  # times the images of a file that is there, from which on a larger one is made
Room = Callable[[int, int], int]
"""Takes the bytes of these images that are on the disk already, and the number of files; returns
what all images may take."""


@dataclass(frozen=True)
class PixelFiles:
    """The files of a data set's images at some sizes.

    Attributes:
        image_sizes: (height, width) of each.
        resize_mode: how an image of another shape is made to fit.
        cache_dir: where they are kept.
        room: what they may take; None for as much as all images need.
    """

    image_sizes: Sequence[tuple[int, int]]
    resize_mode: ResizeMode
    cache_dir: Path
    room: Room | None = None

    def chosen(self, catalog: Catalog, files: int) -> tuple[PreparedPixels, ...]:
        """Name the file of each size, whether it exists or not.

        Where all do not fit, each size keeps the images of the same number of files. A file that
        is there is taken, unless there is room for noticeably more.

        Args:
            catalog: of what has been checked.
            files: number of all files, checked or not.
        """
        wholes = [self._named(catalog, size, None) for size in self.image_sizes]
        if self.room is None:
            return tuple(wholes)
        there = [self._largest(whole, catalog, files) for whole in wholes]
        used = sum(_bytes(found) for found in there if found)
        complete = sum(_bytes(found) for found in there if found and found.first is None)
        missing = [
            math.prod(whole.image_size) * 3
            for whole, found in zip(wholes, there, strict=True)
            if not found or found.first is not None
        ]
        if not missing:
            return tuple(wholes)
        first = max(0, self.room(used, files) - complete) // sum(missing)
        if first >= files:
            return tuple(wholes)
        return tuple(
            found
            if found and (found.first is None or first <= MORE * found.first)
            else self._named(catalog, whole.image_size, first)
            for whole, found in zip(wholes, there, strict=True)
        )

    def donors(self, catalog: Catalog, files: int) -> dict[tuple[int, int], Donor]:
        """What is there of these images, by size: a larger file is not decoded from the start."""
        donors = {}
        for image_size in self.image_sizes:
            if found := self._largest(self._named(catalog, image_size, None), catalog, files):
                pixels = found.open()
                hashes = islice(catalog.kept.pixel_hashes, len(pixels))
                donors[image_size] = Donor(pixels, {key: row for row, key in enumerate(hashes)})
        return donors

    def _largest(
        self, whole: PreparedPixels, catalog: Catalog, files: int
    ) -> PreparedPixels | None:
        """Find the file that holds the most of these images; None where there is none."""
        if len(catalog.entries) < files:  # the files are of those that were there before
            return None
        found = (each for each in (whole, *parts_of(whole)) if is_there(each, catalog))
        return next(found, None)

    def of_checked(
        self, catalog: Catalog, chosen: Sequence[PreparedPixels]
    ) -> tuple[PreparedPixels, ...]:
        """Name the chosen files anew, now that all files of the data set have been checked."""
        return tuple(self._named(catalog, each.image_size, each.first) for each in chosen)

    def _named(
        self, catalog: Catalog, image_size: tuple[int, int], first: int | None
    ) -> PreparedPixels:
        return pixels_of(catalog, image_size, self.resize_mode, self.cache_dir, first=first)


def is_there(pixels: PreparedPixels, catalog: Catalog) -> bool:
    """Whether a file exists and holds the images that it should hold."""
    return pixels.is_whole(int(np.count_nonzero(catalog.table.kept[: pixels.first])))


def delete_smaller(pixels: PreparedPixels) -> None:
    """Delete the files that hold fewer of the same images than one that has been made."""
    for part in parts_of(pixels):
        if part.first is not None and (pixels.first is None or part.first < pixels.first):
            part.path.unlink(missing_ok=True)


def _bytes(pixels: PreparedPixels) -> int:
    return pixels.path.stat().st_size
