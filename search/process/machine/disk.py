"""Free disk space, and how much of it the checkpoints of a search may need."""

import os
import shutil
from pathlib import Path

RESERVE_BYTES = 256 << 20  # bytes kept free, so that everything can still be saved
CHECKPOINT_BYTES_PER_WEIGHT = 12  # float32, and two averages of Adam


def free_bytes(path: Path) -> int:
    """Bytes free where `path` lies, or would lie."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def checkpoint_bytes(weights: int, kept: int) -> int:
    """Bytes of the training states that lie on disk at once, at most.

    Args:
        weights: numbers in the largest model.
        kept: training states kept at once.
    """
    return weights * CHECKPOINT_BYTES_PER_WEIGHT * kept


def used_bytes(path: Path) -> int:
    """Bytes that a file, or a folder with all below it, takes on the disk; links are not followed.

    Files with holes take less than they are long. What cannot be looked at, or has just been
    deleted, counts as nothing.
    """
    try:
        if not path.is_symlink() and path.is_dir():
            with os.scandir(path) as entries:
                return sum(used_bytes(Path(entry.path)) for entry in entries)
        return path.lstat().st_blocks * 512
    except OSError:
        return 0
