"""Replace the export folder of a run, whole or not at all."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from search.formats.registry import FORMATS
from search.process.atomic_files import read_json
from search.run_folder.paths import RunFolder

_BESIDE = ("labels.json", "curves.png", "README.md", "metrics.json", "test_predictions.npy")


@contextmanager
def export_folder(run: RunFolder) -> Iterator[Path]:
    """Give a new folder that takes the place of the export folder when all went well.

    Files that stood there and are none of ours are taken along, a card that was edited under
    another name.
    """
    folder, old = run.path / ".export-new", run.path / ".export-old"
    if old.exists():  # killed while folders were exchanged
        if run.export.exists():
            # Killed after both renames: only the user's files are still in the old folder.
            _take_along(old, run.export)
            shutil.rmtree(old)
        else:
            old.rename(run.export)
    _remove(folder)  # what a killed export had written so far
    folder.mkdir()
    try:
        yield folder
        # Two renames: killed between them, the next export finds `old` and puts it back.
        if run.export.exists():
            run.export.rename(old)
        folder.rename(run.export)
        if old.exists():
            _take_along(old, run.export)
            shutil.rmtree(old)
    finally:
        # After an error or Ctrl-C nothing half-written stays; else it has been renamed.
        _remove(folder)


def _take_along(old: Path, new: Path) -> None:
    """Move what is not our_names from the old folder to the new one."""
    if _edited(old):
        names = (old / f"README.old-{number}.md" for number in count(1))
        free = next(path for path in names if not os.path.lexists(path))
        (old / "README.md").rename(free)
    our_names = {*_BESIDE, *(row.file for row in FORMATS.values())}
    for path in old.iterdir():
        # `lexists`: a link of the user's that points nowhere is kept too.
        if path.name not in our_names and not os.path.lexists(new / path.name):
            path.rename(new / path.name)


def _edited(folder: Path) -> bool:
    """Say whether the user has changed the card since it was written."""
    card, metrics = folder / "README.md", folder / "metrics.json"
    if not card.is_file():
        return False
    # Not by `Metrics`: older versions wrote a card too, without all that is read today.
    # Without metrics.json nothing proves that the card is ours: it is kept as an edited one.
    written = read_json(metrics).get("card") if metrics.is_file() else None
    return written != digest(card)


def digest(path: Path) -> str:
    """Hash a file's contents: 64 hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
