"""Copy photos into a folder for each class that a model gives them."""

import errno
import filecmp
import itertools
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from search.inference.classifier import Prediction

UNSURE = "unsure"
_UNFIT = re.compile(r"[/\\\0]|^\.+$")


class SortedCopies:
    """Copies photos as their predictions come; nothing is moved, nothing overwritten.

    Args:
        folder: where the folders of the classes are made.

    Attributes:
        count: photos that are there now, those that were there before included.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.count = folder, 0

    def add(self, prediction: Prediction) -> None:
        """Copy a photo that could be read; one without an answer goes to "unsure".

        Raises:
            OSError: the disk is full or failing.
        """
        if prediction.error:
            return
        label = next(iter(prediction.probabilities))
        name = UNSURE if prediction.unsure else _UNFIT.sub("_", label)
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        self.count += 1
        for target in _names(folder / prediction.path.name):
            if os.path.lexists(target):
                if filecmp.cmp(prediction.path, target, shallow=False):
                    return
                continue
            _copy(prediction.path, target)
            return


def _names(path: Path) -> Iterator[Path]:
    yield path
    for number in itertools.count(2):
        yield path.with_name(f"{path.stem}-{number}{path.suffix}")


def _copy(source: Path, target: Path) -> None:
    try:
        shutil.copy2(source, target)
    except OSError as error:
        target.unlink(missing_ok=True)
        raise OSError(error.errno or errno.EIO, error.strerror, str(target)) from error
