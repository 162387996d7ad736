"""End a worker without a word where nobody waits for it any more."""

import sys
from multiprocessing import synchronize
from traceback import walk_tb
from types import TracebackType


def ignore_orphans() -> None:
    """Say nothing of a worker that is ended before it has started; everything else as before.

    For the process that workers are forked from. Where that which asked for a worker ends
    meanwhile, or no longer wants one, the worker finds its locks gone.
    """
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not _is_of_a_lock_that_is_gone(error, trace):
            before(kind, error, trace)

    sys.excepthook = hook


def _is_of_a_lock_that_is_gone(error: BaseException, trace: TracebackType | None) -> bool:
    files = {frame.f_code.co_filename for frame, _ in walk_tb(trace)}
    return isinstance(error, FileNotFoundError) and synchronize.__file__ in files
