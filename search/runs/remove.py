"""Delete a run that nobody works on."""

import shutil
import uuid
from contextlib import suppress

from search.run_folder.paths import RunFolder
from search.runs.lock import EXPORT, locked

_GOING = f".*.{32 * '[0-9a-f]'}.removed"  # what is being deleted


def remove(run: RunFolder) -> None:
    """Delete a run with all that is in its folder, and the link to it where it is one.

    It goes under another name first, so that a half deleted run is none.

    Raises:
        TuneError: another process searches in this run, or exports from it.
    """
    folder = RunFolder(run.path.resolve())
    with locked(folder), locked(folder, EXPORT):
        going = folder.path.with_name(f".{run.name[:100]}.{uuid.uuid4().hex}.removed")
        folder.path.rename(going)
        if run.path.is_symlink():
            run.path.unlink()
    # Not before its locks are closed, whose files a network disk would keep.
    with suppress(FileNotFoundError):  # another command sweeps it
        shutil.rmtree(going)
    for left in folder.path.parent.glob(_GOING):  # where this was interrupted
        shutil.rmtree(left, ignore_errors=True)
