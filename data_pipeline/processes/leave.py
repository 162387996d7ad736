"""End a process at once: to take TensorFlow apart, as Python does, takes over a second."""

import atexit
import os
import sys
from typing import NoReturn


def leave(status: int) -> NoReturn:
    """Write out what was printed, and end; for processes that have no more to clean up.

    Args:
        status: of the process.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


class LeaveAtOnce:
    """Ends this process once all that libraries do at its end is done, if it was given a status.

    Python calls what is registered first last: so this is to be made before anything is imported
    that cleans up.

    Attributes:
        status: of the process; None to end as Python does, as after an exception.
    """

    def __init__(self) -> None:
        self.status: int | None = None
        atexit.register(self._leave)

    def _leave(self) -> None:
        if self.status is None:
            return
        try:
            leave(self.status)
        except (OSError, ValueError):  # a pipe that nobody reads: Python says so in its own way
            return
