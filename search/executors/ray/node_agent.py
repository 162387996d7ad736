"""The actor that looks after a node: it says what is there, and keeps the node's cache.

There is one per node. It needs no core of its own, and imports no TensorFlow.
"""

import os
import shutil
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from search.executors.ray.files.receiver import Receiver
from search.executors.ray.versions import installed_versions, machine_id
from search.process.cache_use import cache_folder
from search.process.machine.gpus import installed_gpus
from search.process.machine.memory import machine_memory

CACHE_VARIABLE = "TUNE_NODE_CACHE"  # of a node: its folder, where it is not the user's
SHARED_VARIABLE = "TUNE_SHARED_DISK"  # "0" on a node whose shared disk is not to be used
KEPT_SECONDS = 7 * 24 * 3600.0  # folders of searches that were cut off are kept so long

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
        memory: bytes of the machine.
        gpu_memory: bytes of its smallest GPU; 0 without any.
    """

    name: str
    machine: str
    disk: str
    cache: Path
    versions: Mapping[str, str]
    memory: int
    gpu_memory: int


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
        return NodeView(
            socket.gethostname(),
            machine_id(),
            disk,
            self.folder,
            installed_versions(),
            machine_memory(),
            # Those that Ray hides from an actor which asks for none.
            min((gpu.memory for gpu in installed_gpus()), default=0),
        )

    def unseen(self, photos: Sequence[Path]) -> Path | None:
        """The first of some files that cannot be read here; None where all can."""
        return next((path for path in photos if not os.access(path, os.R_OK)), None)

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
