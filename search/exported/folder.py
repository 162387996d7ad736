"""The export folder of a run: it appears whole or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from search.exported.formats import FILES
from search.store import RunFolder

_OURS = {*FILES.values(), "labels.json", "curves.png", "README.md", "metrics.json"}


@contextmanager
def export_folder(run: RunFolder) -> Iterator[Path]:
    """A new folder that takes the place of the export folder when all went well.

    Files that stood there and are none of ours are taken along.
    """
    folder, old = run.path / ".export-new", run.path / ".export-old"
    if old.exists() and not run.export.exists():  # killed between the two renames below
        old.rename(run.export)
    _remove(folder, old)
    folder.mkdir()
    try:
        yield folder
        for path in run.export.iterdir() if run.export.exists() else ():
            if path.name not in _OURS:
                copy = shutil.copytree if path.is_dir() else shutil.copy2
                copy(path, folder / path.name)
        if run.export.exists():
            run.export.rename(old)
        folder.rename(run.export)
        _remove(old)
    finally:
        _remove(folder)


def _remove(*folders: Path) -> None:
    for folder in folders:
        if folder.exists():
            shutil.rmtree(folder)
