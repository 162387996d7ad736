"""The part of an actor that takes files: piece by piece, or from a disk that is shared."""

import os
import shutil
from pathlib import Path

from search.executors.ray.files.pieces import Arriving, Manifest, PieceError


class Receiver:
    """Takes files, below a folder.

    Args:
        folder: that they go to.
        noted: as `Arriving` takes it.
    """

    def __init__(self, folder: Path, *, noted: bool = False) -> None:
        self.folder, self.noted = folder, noted
        self._arriving: dict[str, Arriving] = {}

    def ping(self) -> bool:
        """Answer, so that the driver knows that the actor is there."""
        return True

    def missing(self, place: str, manifest: Manifest, grows: bool = False) -> list[int]:
        """Numbers of the pieces of a file that have to be sent.

        Raises:
            OSError: the disk is full or failing.
        """
        path = self.folder / place
        if grows and path.exists():
            return []
        self._arriving[place] = Arriving(path, manifest, self.noted, private=True)
        return self._arriving[place].missing()

    def take(self, place: str, number: int, piece: bytes) -> None:
        """Write a piece.

        Raises:
            PieceError: it came damaged, or this process is new.
            OSError: the disk is full or failing.
        """
        self._of(place).take(number, piece)

    def finish(self, place: str) -> None:
        """Give a file its name, once all its pieces are there."""
        self._of(place).finish()

    def link(self, place: str, target: Path) -> None:
        """Use a file of a shared disk under a name of this node's cache.

        Features are kept beside that name: they are written under a lock, and locks of files on
        a network disk are not to be relied upon.
        """
        path = self.folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or not path.exists():
            path.unlink(missing_ok=True)
            path.symlink_to(target)

    def copy(self, place: str, source: Path) -> None:
        """Copy a file from a shared disk, unless it is there already."""
        path = self.folder / place
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}.copying")
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT, 0o600))  # images may be private
        shutil.copyfile(source, unfinished)
        unfinished.replace(path)

    def _of(self, place: str) -> Arriving:
        if place not in self._arriving:
            raise PieceError(f"{place}: the process that took it has begun anew")
        return self._arriving[place]
