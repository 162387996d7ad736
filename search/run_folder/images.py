"""The images of a run: their files, in the order of the rows of pixels."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_pipeline.columns.codes import Codes
from data_pipeline.columns.column_file import ColumnFile
from data_pipeline.columns.digests import BYTES, Digests
from data_pipeline.columns.strings import Strings
from data_pipeline.columns.writing import write_columns
from data_pipeline.decoding.hashes import content_hash
from data_pipeline.pixels.thumbnails import KnownFile
from search.errors import TuneError
from search.process.atomic_files import read_object
from search.process.printable import printable
from search.run_folder.paths import RunFolder


@dataclass(frozen=True)
class Images:
    """What the catalog knew of each prepared image; item i is row i of the pixels.

    Attributes:
        root: folder of the user's images.
        paths: relative to it, with "/".
        formats: one of `data_pipeline.decoding.decode.FORMATS` each, or "HEIF".
        sizes: int32 [n, 2], height and width in pixels once upright.
        pixel_hashes: by which a file is known to be the one that was checked; "" each where an
            older version did not write them.
        content_hashes: by which the bytes of a file are; "" likewise.
    """

    root: Path
    paths: Sequence[str]
    formats: Sequence[str]
    sizes: NDArray[np.int32]
    pixel_hashes: Sequence[str]
    content_hashes: Sequence[str]

    def file(self, row: int) -> KnownFile:
        """One of them, to be shown."""
        return KnownFile(self.root / self.paths[row], self.pixel_hashes[row])

    def has(self, path: str) -> bool:
        """Tell whether one of the files, by its whole path, is here as it was when checked."""
        rows = (row for row, own in enumerate(self.paths) if os.fspath(self.root / own) == path)
        row = next(rows, None)
        if row is None:
            return False
        try:
            content = Path(path).read_bytes()
        except OSError:
            return False
        return self.content_hashes[row] in ("", content_hash(content))

    def save(self, run: RunFolder) -> None:
        """Write it into a run's folder.

        Raises:
            OSError: the disk is full or failing.
        """
        paths, formats = Strings.of(self.paths), Codes.of(self.formats)
        columns = {
            "paths.content": paths.content,
            "paths.bounds": paths.bounds,
            "formats": formats.codes,
            "sizes": np.ascontiguousarray(self.sizes, np.int32),
            "pixel_hashes": Digests.of(self.pixel_hashes).content,
            "content_hashes": Digests.of(self.content_hashes).content,
        }
        values = {"root": os.fspath(self.root), "formats": json.dumps(formats.names)}
        write_columns(run.images, columns, values)

    @classmethod
    def load(cls, run: RunFolder) -> "Images":
        """Read it from a run's folder.

        Raises:
            TuneError: the file is missing or broken; a `--resume` writes it anew.
        """
        older = not run.images.exists() and run.older_images.exists()
        file = run.older_images if older else run.images
        try:
            images = _of_json(read_object(file)) if older else _of_columns(ColumnFile(file))
            lists = (
                *(images.formats, images.sizes),
                *(images.pixel_hashes, images.content_hashes),
            )
            if any(len(each) != len(images.paths) for each in lists):
                raise ValueError("lists of unequal length")
        except FileNotFoundError as error:
            raise TuneError(f"{printable(file)}: no such file") from error
        except (OSError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise TuneError(
                f"{printable(file)}: not as tune writes it; {written_anew(run)}"
            ) from error
        return images


def written_anew(run: RunFolder) -> str:
    """Say what writes a file of the run's data again."""
    return f"'tune run --resume {run.argument}' writes it anew"


def _of_columns(file: ColumnFile) -> Images:
    paths = Strings.checked(
        file.column("paths.content", np.uint8), file.column("paths.bounds", np.int64)
    )
    names = json.loads(file.metadata["formats"])
    known = "content_hashes" in file
    return Images(
        root=Path(file.metadata["root"]),
        paths=paths,
        formats=Codes.checked(file.column("formats", np.int32), names),
        sizes=file.column("sizes", np.int32, 2),
        pixel_hashes=Digests(file.column("pixel_hashes", np.uint8, BYTES)),
        content_hashes=Digests(
            file.column("content_hashes", np.uint8, BYTES)
            if known
            else np.zeros((len(paths), BYTES), np.uint8)
        ),
    )


def _of_json(values: Mapping[str, Any]) -> Images:
    return Images(
        root=Path(values["root"]),
        paths=tuple(map(os.fspath, values["paths"])),
        formats=tuple(values["formats"]),
        sizes=np.array(values["sizes"], np.int32).reshape(-1, 2),
        pixel_hashes=tuple(values.get("pixel_hashes") or [""] * len(values["paths"])),
        content_hashes=[""] * len(values["paths"]),
    )
