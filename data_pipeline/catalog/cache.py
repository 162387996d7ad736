"""Remember the checks of a data set between runs."""

import hashlib
import json
import os
import warnings
from importlib import metadata
from pathlib import Path

import platformdirs

from data_pipeline.atomic_files import write_bytes
from data_pipeline.catalog.entries import Catalog, Entry

# Increase it when a check records something new or comes to another result: earlier checks are
# then made again.
_VERSION = 5


def default_cache_dir() -> Path:
    """Return the user's cache folder for this program."""
    return Path(platformdirs.user_cache_dir("image-tune"))


def is_known(data: Path, cache_dir: Path) -> bool:
    """Tell whether checks of this data set are remembered, however it may have changed since."""
    return _path(data, cache_dir).exists()


def load_entries(data: Path, cache_dir: Path) -> dict[str, Entry]:
    """Read the entries of earlier checks, by path; none where other decoders made them."""
    path = _path(data, cache_dir)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["made_by"] != _made_by():
            return {}
        catalog = Catalog.from_json(values["catalog"])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        warnings.warn(
            f"{path}: not a readable catalog ({error}); the files are checked anew", stacklevel=2
        )
        return {}
    return {entry.path: entry for entry in catalog.entries}


def save_catalog(catalog: Catalog, data: Path, cache_dir: Path) -> None:
    """Remember every check in `catalog`, in place of what was remembered of its data set.

    Args:
        catalog: checked in full or in part.
        data: where the data set is, as the user gave it. Two data sets may have one root.
        cache_dir: where checks are remembered.
    """
    values = {"made_by": _made_by(), "catalog": catalog.to_json()}
    content = json.dumps(values, separators=(",", ":")).encode()
    write_bytes(_path(data, cache_dir), content, shared=True)


def _path(data: Path, cache_dir: Path) -> Path:
    name = hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:32]
    return cache_dir / "catalogs" / f"{name}.json"


def _made_by() -> str:
    """Name the program that made a check: another decoder may come to another verdict."""
    return f"{_VERSION} pillow {metadata.version('pillow')}"
