"""Lock a run, so that one program at a time works on it; and delete one that nobody works on."""

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from search.errors import TuneError
from search.run_folder.paths import RunFolder


@contextmanager
def locked(run: RunFolder, name: str = "lock") -> Iterator[None]:
    """Hold one of the run's locks: "lock" is the search's.

    Raises:
        TuneError: another process, named in the message, works on this run.
    """
    run.path.mkdir(parents=True, exist_ok=True)
    handle = os.open(run.path / name, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            # The system releases this lock when the process ends, however it ends.
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(handle, 32).decode(errors="replace").strip() or "another process"
            raise TuneError(
                f"{run.name}: process {holder} works on this run; wait for it, or choose another"
            ) from error
        os.truncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        os.close(handle)


def is_locked(run: RunFolder) -> bool:
    """Tell whether a process searches in this run at the moment."""
    try:
        handle = os.open(run.path / "lock", os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def remove(run: RunFolder) -> None:
    """Delete a run with all that is in its folder.

    It goes under another name first, so that a half deleted run is none.

    Raises:
        TuneError: another process works on this run.
    """
    with locked(run):
        going = run.path.with_name(f".{run.name[:100]}.{uuid.uuid4().hex}.removed")
        run.path.rename(going)
        shutil.rmtree(going)
