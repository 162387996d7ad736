"""Earlier checks of a folder, remembered between runs."""

import hashlib
import json
import os
import warnings
from importlib import metadata
from pathlib import Path

import platformdirs

from data_pipeline.atomic_files import write_bytes
from data_pipeline.catalog.entries import Catalog, Entry

# Raise it when a check finds out something new or different.
_VERSION = 3


def default_cache_dir() -> Path:
    """The user's cache folder for this program."""
    return Path(platformdirs.user_cache_dir("image-tune"))


def is_known(root: Path, cache_dir: Path) -> bool:
    """Whether checks of this folder are remembered, whatever has become of it since."""
    return _path(root, cache_dir).exists()


def load_entries(root: Path, cache_dir: Path) -> dict[str, Entry]:
    """Entries of earlier checks by path; empty where there are none, or none to be trusted."""
    path = _path(root, cache_dir)
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


def save_catalog(catalog: Catalog, cache_dir: Path) -> None:
    """Remember every check in `catalog`, in place of what was known of its folder."""
    values = {"made_by": _made_by(), "catalog": catalog.to_json()}
    content = json.dumps(values, separators=(",", ":")).encode()
    write_bytes(_path(catalog.root, cache_dir), content)


def _path(root: Path, cache_dir: Path) -> Path:
    name = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:32]
    return cache_dir / "catalogs" / f"{name}.json"


def _made_by() -> str:
    """Another decoder may come to another verdict."""
    return f"{_VERSION} pillow {metadata.version('pillow')}"
