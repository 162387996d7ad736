"""Say what the cache holds, and clear it."""

import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from search.errors import TuneError
from search.process.machine.disk import used_bytes
from search.process.printable import printable

_HASH = 32 * "[0-9a-f]"  # by which all of it is named
_PARTS = (  # what lies where below the cache folder
    ("verdicts on files", f"catalogs/{_HASH}.*"),
    ("prepared images", f"prepared/{_HASH}-*.npy", f"prepared/{_HASH}-*.first*"),
    ("features of pretrained networks", f"prepared/{_HASH}-*.features"),
    (
        "files for searches of a cluster",
        *(f"nodes/*/{name}" for name in ("prepared", "weights", "keras", "runs")),
    ),
)
_FOLDERS = ("catalogs", "prepared", "nodes")
_UNFINISHED = ("catalogs/.*.tmp", "prepared/.*.tmp")


@dataclass(frozen=True)
class Kept:
    """One kind of what is kept.

    Attributes:
        what: in words.
        files: how many.
        bytes: that they take on the disk.
    """

    what: str
    files: int
    bytes: int


@dataclass(frozen=True)
class CacheUse:
    """What the cache holds.

    Attributes:
        folder: where it lies.
        rows: a kind each.
    """

    folder: str
    rows: tuple[Kept, ...]


def use_of(folder: Path) -> CacheUse:
    """Look at what is kept in a cache folder."""
    rows = [
        _kept(what, chain.from_iterable(map(folder.glob, patterns))) for what, *patterns in _PARTS
    ]
    return CacheUse(str(folder), tuple(rows))


def clear_cache(folder: Path) -> None:
    """Delete what is kept in a cache folder, and nothing else that lies there.

    A search ends when it next needs an image size that is gone; a resume makes it again.

    Raises:
        OSError: a folder of it belongs to another user, or the disk can only be read.
    """
    patterns = [pattern for _, *each in _PARTS for pattern in each]
    for path in chain.from_iterable(map(folder.glob, (*patterns, *_UNFINISHED))):
        with suppress(FileNotFoundError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    for place in chain(folder.glob("nodes/*"), map(folder.joinpath, _FOLDERS)):
        with suppress(OSError):  # it is not there, leads elsewhere, or holds what is not ours
            place.rmdir()


def _kept(what: str, paths: Iterable[Path]) -> Kept:
    found = list(paths)
    files = [file for path in found for file in ([path] if path.is_file() else path.rglob("*"))]
    return Kept(what, sum(file.is_file() for file in files), sum(map(used_bytes, found)))


def cache_folder(given: Path | None) -> Path:
    """Make the given cache folder, or the user's, if it is not there yet.

    Raises:
        TuneError: it cannot be made, or there is no home folder.
    """
    from data_pipeline.atomic_files import make_folder
    from data_pipeline.catalog.cache import default_cache_dir

    try:
        folder = given or default_cache_dir()
        make_folder(folder, shared=True)
    except RuntimeError as error:  # an unknown user without HOME
        raise TuneError(
            "there is no home folder to keep checked images in; give another folder (--cache-dir)"
        ) from error
    except OSError as error:
        raise TuneError(
            f"{printable(str(error.filename or given))}: {error.strerror}; checked images are kept "
            "there; give another folder (--cache-dir)"
        ) from error
    return folder
