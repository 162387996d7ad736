"""A file that appears whole or not at all, whatever happens while it is written."""

import os
import tempfile
import time
from pathlib import Path

_ABANDONED_SECONDS = 24 * 3600


def temporary_beside(path: Path) -> tuple[int, Path]:
    """Open a new, empty file in the folder of `path`, under a name that no other process has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f"{path.stem[:40]}-", suffix=".part", dir=path.parent)
    return handle, Path(name)


def publish(handle: int, temporary: Path, path: Path) -> None:
    """Give a finished temporary file its name, once its content is known to be on the disk."""
    os.fsync(handle)
    os.close(handle)
    temporary.replace(path)
    sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, or leave what was there before."""
    handle, temporary = temporary_beside(path)
    try:
        with os.fdopen(os.dup(handle), "w", encoding="utf-8") as file:
            file.write(text)
        publish(handle, temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Delete temporary files that a killed process left behind a day ago or more."""
    for temporary in folder.glob("*.part"):
        if time.time() - temporary.stat().st_mtime > _ABANDONED_SECONDS:
            temporary.unlink(missing_ok=True)
