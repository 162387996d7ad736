"""Write files that appear whole or not at all, whatever happens meanwhile."""

import fcntl
import os
import stat
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Self

# What a killed process may have left behind. Earlier versions wrote the second kind.
_LEFTOVERS = (".*.tmp", "*-????????.part")
# Where a disk knows no locks nothing tells what another process is still writing but its age.
_ABANDONED_SECONDS = 24 * 3600
_LOCKED_WITHIN = 1.0  # seconds
_OF_GROUP = stat.S_IRGRP | stat.S_IWGRP


class UnfinishedFile:
    """A file under a temporary name; as a context, deleted at the end unless it was published.

    Attributes:
        path: the temporary name, which no other process uses.
        handle: the open file's descriptor, for writing.
    """

    def __init__(self, beside: Path, *, mode: int = 0o644, shared: bool = False) -> None:
        """Open a new, empty file in the folder of `beside`, which is created where it is absent.

        Args:
            beside: what it is to become, or a file beside that.
            mode: who may read and write it.
            shared: whether the group may too, where it may write to the folder.

        Raises:
            OSError: the file cannot be created.
        """
        make_folder(beside.parent, shared=shared)
        # The name is cut: together with the random part it could else be too long for the disk.
        self.path = beside.with_name(f".{beside.name[:40]}.{uuid.uuid4().hex}.tmp")
        self.handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        if shared:
            share(self.handle, beside.parent)
        # Held until the process ends, however it ends: by it `sweep` knows what is abandoned.
        with suppress(OSError):
            fcntl.flock(self.handle, fcntl.LOCK_EX)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def publish(self, path: Path) -> None:
        """Rename the file to `path`, in the same folder, in place of what is there.

        Raises:
            OSError: the disk is full or failing; `path` has its old content or the new one.
        """
        # First the content, then the name: a power cut in between would else leave an empty
        # file under the final name.
        os.fsync(self.handle)
        rename(self.path, path)

    def close(self) -> None:
        """Close the file, and delete it if it still has its temporary name."""
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1
            self.path.unlink(missing_ok=True)


def make_folder(folder: Path, *, shared: bool) -> None:
    """Make a folder and those above it, where they are absent.

    Args:
        folder: to be made.
        shared: whether those below one that a group may write to are made as that one is.

    Raises:
        OSError: it cannot be made.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in reversed(missing):
        if shared and _is_shared(each.parent):
            with suppress(PermissionError):  # another user has made it just now
                each.chmod(stat.S_IMODE(each.parent.stat().st_mode))


def share(handle: int, folder: Path) -> None:
    """Let the group read and write an open file of this user's in a folder that they share."""
    if _is_shared(folder):
        with suppress(PermissionError):  # it is another user's, who has shared it already
            os.fchmod(handle, stat.S_IMODE(os.fstat(handle).st_mode) | _OF_GROUP)


def _is_shared(folder: Path) -> bool:
    """Whether its group may write to a folder, as users set one up that they share; not anybody."""
    may_write = folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return may_write == stat.S_IWGRP


def write_bytes(path: Path, content: bytes, *, shared: bool = False) -> None:
    """Write a file so that at any moment it has the old content or the new one, as a whole.

    Args:
        path: of the file.
        content: all of it.
        shared: as `UnfinishedFile` takes it.

    Raises:
        OSError: the disk is full or failing; `path` has its old content or the new one.
    """
    with UnfinishedFile(path, shared=shared) as file:
        rest = memoryview(content)
        while rest:  # One call may write less than it was given.
            rest = rest[os.write(file.handle, rest) :]
        file.publish(path)


def rename(source: Path, target: Path) -> None:
    """Rename a file within its folder, so that the new name survives a power cut."""
    source.replace(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Delete what killed processes have left unfinished in a folder and those below it.

    What another process is still writing stays.

    Args:
        folder: where `write_bytes` and `UnfinishedFile` were used.
    """
    for pattern in _LEFTOVERS:
        for path in folder.rglob(pattern):
            # Its process has just finished it, another sweeps too, or it is another user's.
            with suppress(OSError):
                if _is_abandoned(path):
                    path.unlink()


def _is_abandoned(path: Path) -> bool:
    # Neither waiting for who writes to a pipe of such a name, nor following a link.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return False
        # A moment passes between a file's creation and its lock.
        age = time.time() - os.fstat(handle).st_mtime
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return age > _LOCKED_WITHIN
    except BlockingIOError:
        return False
    except OSError:
        return age > _ABANDONED_SECONDS
    finally:
        os.close(handle)
