"""The actor that looks after a node: it says what is there, and keeps the node's cache.

There is one per node. It needs no core of its own, and imports no TensorFlow.
"""

import os
import platform
import shutil
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from search.executors.ray.pieces import Arriving, Manifest, PieceError
from search.process.cache_use import cache_folder

CACHE_VARIABLE = "TUNE_NODE_CACHE"  # of a node: its folder, where it is not the user's
SHARED_VARIABLE = "TUNE_SHARED_DISK"  # "0" on a node whose shared disk is not to be used
KEPT_SECONDS = 7 * 24 * 3600.0  # folders of searches that were cut off are kept so long
_PACKAGES = ("image-tune", "tensorflow", "tensorflow-cpu", "keras", "numpy")
_BOOT = Path("/proc/sys/kernel/random/boot_id")

HERE, SHARED, APART = "here", "shared", "apart"


@dataclass(frozen=True)
class NodeView:
    """What a node is to the driver.

    Attributes:
        name: of its machine.
        machine: by which machines of one name are told apart.
        disk: HERE where it is the driver's machine and sees its files, SHARED where it sees them
            on another machine, APART where it does not.
        cache: its folder for files of all runs.
        versions: of the packages that decide results.
    """

    name: str
    machine: str
    disk: str
    cache: Path
    versions: Mapping[str, str]


def installed_versions() -> dict[str, str]:
    """Versions of the packages that decide results, and of Python."""
    found = {"Python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package.removesuffix("-cpu")] = version(package)
        except PackageNotFoundError:  # TensorFlow has two names
            continue
    return found


def machine_id() -> str:
    """Tell machines apart, also those of one name; locks of files hold within one."""
    boot = _BOOT.read_text().strip() if _BOOT.exists() else ""
    return f"{socket.gethostname()} {boot}"


class Receiver:
    """Takes files that come in pieces, below a folder.

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
        self._arriving[place] = Arriving(path, manifest, self.noted)
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

    def _of(self, place: str) -> Arriving:
        if place not in self._arriving:
            raise PieceError(f"{place}: the process that took it has begun anew")
        return self._arriving[place]


class NodeAgent(Receiver):
    """The actor; the driver makes it on each node."""

    def __init__(self) -> None:
        given = os.environ.get(CACHE_VARIABLE)
        base = cache_folder(Path(given) if given else None)
        # Homes may lie on a network disk: no two machines write to one folder.
        super().__init__(base / "nodes" / socket.gethostname(), noted=True)

    def look(self, token: Path, content: str, driver: str) -> NodeView:
        """Say what the node is to the driver.

        Args:
            token: a file that the driver has written above its prepared images.
            content: of it.
            driver: `machine_id` there.
        """
        disk = APART
        if os.environ.get(SHARED_VARIABLE, "1") != "0" and _reads(token, content):
            disk = HERE if machine_id() == driver else SHARED
        if disk == HERE:  # as the search on it was told, with --cache-dir
            self.folder = token.parent / "nodes" / socket.gethostname()
        self.folder.mkdir(parents=True, exist_ok=True)
        _sweep(self.folder / "runs")
        return NodeView(socket.gethostname(), machine_id(), disk, self.folder, installed_versions())

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
        shutil.copyfile(source, unfinished)
        unfinished.replace(path)

    def clear(self, run: str) -> None:
        """Delete the folders of a search that has ended; what all searches share stays."""
        shutil.rmtree(self.folder / "runs" / run, ignore_errors=True)


def _reads(token: Path, content: str) -> bool:
    try:
        return token.read_text() == content
    except OSError:
        return False


def _sweep(runs: Path) -> None:
    """Delete what searches have left whose driver or node was killed."""
    for folder in runs.glob("*/"):
        try:
            old = time.time() - folder.stat().st_mtime > KEPT_SECONDS
        except FileNotFoundError:
            continue
        if old:
            shutil.rmtree(folder, ignore_errors=True)


def differing(mine: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """Say in which versions a node differs from the driver; "" where in none."""
    names = [name for name in mine if mine[name] != theirs.get(name)]
    return ", ".join(f"{name} {theirs.get(name, 'missing')} (here {mine[name]})" for name in names)
