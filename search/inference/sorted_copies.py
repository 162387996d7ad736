"""Copy photos into a folder for each class that a model gives them."""

import errno
import filecmp
import itertools
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from data_pipeline.atomic_files import UnfinishedFile
from search.inference.classifier import Prediction

UNSURE = "unsure"
_UNFIT = re.compile(r"[/\\\0]|^\.+$")


class SortedCopies:
    """Copies photos as their predictions come; nothing is moved, nothing overwritten.

    Args:
        folder: where the folders of the classes are made.
        class_names: of the model.

    Attributes:
        count: photos that are there now, those that were there before included.
    """

    def __init__(self, folder: Path, class_names: Iterable[str]) -> None:
        self.folder, self.count = folder, 0
        self._folders = _folder_names(class_names)

    def add(self, prediction: Prediction) -> None:
        """Copy a photo that could be read; one without an answer goes to a folder of these.

        Raises:
            OSError: the disk is full or failing.
        """
        if prediction.error:
            return
        label = None if prediction.unsure else next(iter(prediction.probabilities))
        folder = self.folder / self._folders[label]
        folder.mkdir(parents=True, exist_ok=True)
        self.count += 1
        for target in _names(folder / prediction.path.name):
            if os.path.lexists(target):
                if filecmp.cmp(prediction.path, target, shallow=False):
                    return
                continue
            _copy(prediction.path, target)
            return


def _folder_names(class_names: Iterable[str]) -> dict[str | None, str]:
    """Name a folder for each class, and for None, the photos without an answer; all differ."""
    fit = {name: _UNFIT.sub("_", name) for name in class_names}
    # A class whose name fits keeps it, whatever the others are called.
    in_order = sorted(fit, key=lambda name: (fit[name] != name, name))
    names: dict[str | None, str] = {}
    for label, name in [*((label, fit[label]) for label in in_order), (None, UNSURE)]:
        taken = set(names.values())
        names[label] = next(p.name for p in _names(Path(name)) if p.name not in taken)
    return names


def _names(path: Path) -> Iterator[Path]:
    yield path
    for number in itertools.count(2):
        yield path.with_name(f"{path.stem}-{number}{path.suffix}")


def _copy(source: Path, target: Path) -> None:
    try:
        # Nobody else may read the copy before it has the permissions of the original.
        with UnfinishedFile(target, mode=0o600) as file:
            shutil.copy2(source, file.path)
            file.publish(target)
    except OSError as error:
        raise OSError(error.errno or errno.EIO, error.strerror, str(target)) from error
