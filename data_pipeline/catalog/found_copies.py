"""Remember which images of a data set are copies of one another: to find them takes minutes."""

import hashlib
import warnings
from pathlib import Path

import numpy as np

from data_pipeline.catalog.entries import Catalog
from data_pipeline.columns.column_file import ColumnFile
from data_pipeline.columns.writing import write_columns

# Increase it when other images are taken for copies: they are then looked for again.
_VERSION = 2


def load_copies(catalog: Catalog) -> np.ndarray | None:
    """Read what `save_copies` wrote.

    Returns:
        int64 [len(kept)]; None where the images are others, or nothing is remembered.
    """
    if catalog.copies_file is None:
        return None
    try:
        file = ColumnFile(catalog.copies_file)
        if file.metadata["of"] != _images(catalog):
            return None
        found = file.column("copies", np.int64)
        if (
            len(found) != len(catalog.kept)
            or (found > np.arange(len(found))).any()
            or found.min(initial=0) < 0
        ):
            raise ValueError("its copies are of other images")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        _warn(catalog.copies_file, error)
        return None
    return found


def save_copies(catalog: Catalog, copies: np.ndarray) -> None:
    """Remember the group of copies of each image, where the catalog says where.

    Where it cannot be written, as into a shared cache that is read alone, that is warned of.

    Args:
        catalog: of the images.
        copies: int64 [len(kept)], the smallest index in each image's group.
    """
    if catalog.copies_file is None:
        return
    metadata = {"of": _images(catalog)}
    try:
        write_columns(catalog.copies_file, {"copies": copies}, metadata, shared=True)
    except OSError as error:
        _warn(catalog.copies_file, error, "written")


def _images(catalog: Catalog) -> str:
    """A digest of all that copies are found by: what a check makes of the contents of files."""
    digest = hashlib.sha256(f"{_VERSION} {catalog.checked_by}".encode())
    for piece in catalog.kept.content_hashes.pieces():
        digest.update(piece)
    return digest.hexdigest()


def _warn(path: Path, error: Exception, could_not_be: str = "read") -> None:
    warnings.warn(
        f"{path}: cannot be {could_not_be} ({error}); copies are looked for again", stacklevel=4
    )
