"""Call a function in a process of its own, whose memory is free again when it ends.

What it does lies on the disk, or is small enough for a pipe; through the same it says how far it
is. It ends with this process: after a signal as on Ctrl-C, and when this one is gone.
"""

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any

from data_pipeline.processes.contexts import SpawnContext
from data_pipeline.processes.spared_imports import mark_own_process
from search.errors import TuneError
from search.process.piped_progress import PipedProgress, pass_on
from search.process.progress import ProgressSink


def call_apart(
    function: Callable[..., Any], *arguments: Any, progress: ProgressSink, **options: Any
) -> Any:
    """Call `function(*arguments, progress=..., **options)` in a process of its own.

    Args:
        function: of a module; it and its arguments can be pickled.
        arguments, options: of it.
        progress: told what it tells.

    Returns:
        What it returns.

    Raises:
        TuneError: the process was ended from outside.
        Exception: what the function raises.
    """
    context = SpawnContext()
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs, function, arguments, options))
    try:
        process.start()
        theirs.close()
        return pass_on(ours, progress)
    except EOFError:
        process.join()
        raise TuneError(
            "a process of this search was ended from outside "
            f"({_in_words(process.exitcode)}); what it had done so far is kept"
        ) from None
    except BaseException:
        if process.pid is not None:
            process.terminate()  # nothing to one that has said its last word
        raise
    finally:
        if process.pid is not None:
            try:
                process.join()  # it saves what it has done
            finally:  # a second Ctrl-C
                process.kill()
        ours.close()


def _in_words(status: int | None) -> str:
    if status is None or status >= 0:
        return f"exit status {status}"
    name = signal.Signals(-status).name
    return f"{name}, as for want of memory" if -status == signal.SIGKILL else name


def _work(
    pipe: Connection,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    options: dict[str, Any],
) -> None:
    """Call the function in this process; say how it ended."""
    try:
        signal.signal(signal.SIGTERM, _interrupt)
        threading.Thread(target=_end_with_the_driver, daemon=True).start()
        mark_own_process()
        sink = PipedProgress(pipe)
        warnings.showwarning = sink.warn  # type: ignore[assignment]
        word: tuple[Any, ...] = ("ended", function(*arguments, progress=sink, **options))
    except KeyboardInterrupt:
        return
    except Exception as error:  # noqa: BLE001 - raised where it is waited for
        word = ("failed", _sendable(error), traceback.format_exc())
    # From here on there is nothing to be saved, and the other side may end this one.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with suppress(OSError):  # nobody waits any more
        pipe.send(word)


def _sendable(error: Exception) -> Exception:
    """An error, or what it says where it cannot be sent."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:  # noqa: BLE001 - whatever a library's error does there
        return TuneError(f"{type(error).__name__}: {error}")
    return error


def _interrupt(number: int, frame: FrameType | None) -> None:
    """End as on Ctrl-C, which this process does not see, once: what was done is saved then."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def _end_with_the_driver() -> None:
    """What works on a run holds its lock: nothing may be written there when it is gone."""
    driver = multiprocessing.parent_process()
    if driver is not None:
        driver.join()
        os.kill(os.getpid(), signal.SIGTERM)
