"""Remember the checks of a data set between runs.

All checks of a data set are columns of one file (`data_pipeline.columns.column_file`), sorted by
path. Opening it reads about 100 bytes per file and its path; sketches, 705 bytes each, stay on
disk.
"""

import hashlib
import json
import os
import warnings
from functools import partial
from importlib import metadata
from pathlib import Path

import numpy as np
import platformdirs

from data_pipeline.catalog.entries import Catalog
from data_pipeline.catalog.json_catalogs import entries_of_json
from data_pipeline.catalog.table import SKETCH_BYTES, Entries
from data_pipeline.columns.codes import Codes
from data_pipeline.columns.column_file import ColumnFile
from data_pipeline.columns.digests import BYTES, Digests
from data_pipeline.columns.strings import Strings
from data_pipeline.columns.writing import write_columns
from data_pipeline.listing.files import Files

# Increase it when a check records something new or comes to another result: earlier checks are
# then made again.
_VERSION = 5


def default_cache_dir() -> Path:
    """Return the user's cache folder for this program."""
    return Path(platformdirs.user_cache_dir("image-tune"))


def is_known(data: Path, cache_dir: Path) -> bool:
    """Tell whether checks of this data set are remembered, however it may have changed since."""
    return _path(data, cache_dir).exists() or _path_of_json(data, cache_dir).exists()


def is_of_older(data: Path, cache_dir: Path) -> bool:
    """Tell whether checks are remembered in the form of earlier versions, and in no other."""
    return _path_of_json(data, cache_dir).exists() and not _path(data, cache_dir).exists()


def load_entries(data: Path, cache_dir: Path) -> Entries:
    """Read the entries of earlier checks, sorted by path; none where other decoders made them."""
    for path, read in (
        (_path(data, cache_dir), _entries),
        (_path_of_json(data, cache_dir), partial(entries_of_json, made_by=made_by())),
    ):
        try:
            return read(path)
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError) as error:
            warnings.warn(
                f"{path}: not a readable catalog ({error}); the files are checked anew",
                stacklevel=2,
            )
            break
    return Entries.of(())


def save_catalog(catalog: Catalog, data: Path, cache_dir: Path) -> None:
    """Remember every check in `catalog`, in place of what was remembered of its data set.

    Args:
        catalog: checked in full or in part.
        data: where the data set is, as the user gave it. Two data sets may have one root.
        cache_dir: where checks are remembered.
    """
    entries = catalog.table
    files = entries.files
    names = {"labels": files.labels, "splits": files.splits, "formats": entries.formats}
    texts = {"paths": files.paths, "problems": files.problems, "groups": files.groups}
    columns = {name: column.codes for name, column in names.items()}
    for name, text in texts.items():
        columns |= {f"{name}.content": text.content, f"{name}.bounds": text.bounds}
    columns |= {
        "bytes": files.bytes,
        "mtime_ns": files.mtime_ns,
        "kept": entries.kept,
        "sizes": entries.sizes,
        "content_hashes": entries.content_hashes.content,
        "pixel_hashes": entries.pixel_hashes.content,
    }
    values = {name: json.dumps(column.names) for name, column in names.items()}
    values |= {"made_by": made_by(), "root": os.fspath(catalog.root)}
    path = _path(data, cache_dir)
    write_columns(path, columns | {"sketches": entries.sketches}, values, shared=True)
    _path_of_json(data, cache_dir).unlink(missing_ok=True)


def _entries(path: Path) -> Entries:
    """Read what `save_catalog` wrote; nothing where other decoders made the checks.

    Raises:
        OSError, ValueError, KeyError, TypeError: it cannot be read, or is something else.
    """
    file = ColumnFile(path)
    if file.metadata["made_by"] != made_by():
        return Entries.of(())

    def strings(name: str) -> Strings:
        content = file.column(f"{name}.content", np.uint8)
        return Strings.checked(content, file.column(f"{name}.bounds", np.int64))

    def codes(name: str) -> Codes:
        return Codes.checked(file.column(name, np.int32), json.loads(file.metadata[name]))

    def numbers(name: str) -> np.ndarray:
        return file.column(name, np.int64)

    def digests(name: str) -> Digests:
        return Digests(file.column(name, np.uint8, BYTES))

    listed = Files(
        strings("paths"),
        codes("labels"),
        codes("splits"),
        numbers("bytes"),
        numbers("mtime_ns"),
        strings("problems"),
        strings("groups"),
    )
    entries = Entries(
        listed,
        file.column("kept", np.bool_),
        codes("formats"),
        file.column("sizes", np.int32, 2),
        digests("content_hashes"),
        digests("pixel_hashes"),
        file.rows("sketches", SKETCH_BYTES),
    )
    entries.require_equal_lengths()
    return entries


def checked_at(data: Path, cache_dir: Path) -> int:
    """When the checks of a data set were remembered, in nanoseconds of Unix time.

    Raises:
        OSError: none are.
    """
    return _path(data, cache_dir).stat().st_mtime_ns


def copies_file(data: Path, cache_dir: Path) -> Path:
    """Name the file of copies among the images of a data set, whether it exists or not."""
    return _path(data, cache_dir).with_suffix(".copies")


def _path(data: Path, cache_dir: Path) -> Path:
    return _path_of_json(data, cache_dir).with_suffix(".columns")


def _path_of_json(data: Path, cache_dir: Path) -> Path:
    name = hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:32]
    return cache_dir / "catalogs" / f"{name}.json"


def made_by() -> str:
    """Name the program that made a check: another decoder may come to another verdict."""
    return f"{_VERSION} pillow {metadata.version('pillow')}"
