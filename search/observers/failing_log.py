"""A log that cannot be written must end no search."""

import functools
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import tensorflow as tf

from search.process.printable import printable


class Log(Protocol):
    """What writes into a folder.

    Attributes:
        folder: of the log.
        failed: whether it could not be written at some time.
    """

    folder: Path
    failed: bool


def while_it_can(write: Callable[..., None]) -> Callable[..., None]:
    """Write no more, and say so once, when that has failed."""

    @functools.wraps(write)
    def wrapped(log: Log, *arguments: Any) -> None:
        if log.failed:
            return
        try:
            write(log, *arguments)
        except tf.errors.OpError as error:
            log.failed = True
            said = str(error.message).splitlines()[0]
            warnings.warn(
                f"{printable(str(log.folder))}: nothing more is written for TensorBoard ({said})",
                stacklevel=2,
            )

    return wrapped
