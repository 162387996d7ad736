"""Lock a run, so that one program at a time works on it."""

import errno
import fcntl
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from search.errors import TuneError
from search.process.printable import printable
from search.run_folder.paths import RunFolder

SEARCH, EXPORT = "lock", "export.lock"  # an export and a search may work at once
_TRIES, _PAUSE = 5, 0.1  # who looks whether a lock is held has it for an instant
# What file systems answer that have no locks, as Lustre without -o flock.
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP)


@contextmanager
def locked(run: RunFolder, name: str = SEARCH) -> Iterator[None]:
    """Hold one of the run's locks.

    Raises:
        TuneError: another process, named in the message, works on this run.
    """
    run.path.mkdir(parents=True, exist_ok=True)
    handle = os.open(run.path / name, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        # The system releases this lock when the process ends, however it ends.
        if not _taken(handle, run):
            holder = os.read(handle, 32).decode(errors="replace").strip() or "another process"
            raise TuneError(
                f"{run.name}: process {holder} works on this run; wait for it, or choose another"
            )
        os.truncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        os.close(handle)


def _taken(handle: int, run: RunFolder) -> bool:
    for number in range(_TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE if number < _TRIES - 1 else 0)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            warnings.warn(
                f"{printable(str(run.path))}: this disk has no locks; see that no other program "
                "works on this run",
                stacklevel=4,
            )
            return True
        else:
            return True
    return False


def is_locked(run: RunFolder, name: str = SEARCH) -> bool:
    """Tell whether a process holds one of the run's locks at the moment."""
    try:
        handle = os.open(run.path / name, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # this disk has no locks
        return False
    finally:
        os.close(handle)
    return False
