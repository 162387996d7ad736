"""Interfaces by which the library reports messages, warnings and progress.

Whoever calls the library chooses where that goes: the command line to a terminal (see
`console_progress`), a program of somebody else to nowhere (`Silent`) or to a sink of its own.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Update = Callable[[int, int], None]
"""Told how far something is: (done, total), in any unit. It may raise, to end what tells it."""


class Task(Protocol):
    """Something that takes a while, as long as its context lasts."""

    def update(self, done: float, total: float, description: str | None = None) -> None:
        """Say how far it is, as an `Update`; `description` replaces the words beside it."""


class ProgressSink(Protocol):
    """Where messages, warnings and progress go."""

    def message(self, text: str) -> None:
        """Say something in one or more lines."""

    def warning(self, text: str) -> None:
        """Say that something is not as it should be, though it goes on."""

    def task(self, description: str, *, counted: bool = False) -> AbstractContextManager[Task]:
        """Begin a task.

        Args:
            description: what is done, as "retraining".
            counted: whether it is done by the piece, so that "12/200" says more than a share.
        """


class Silent:
    """A sink that shows nothing."""

    def message(self, text: str) -> None:
        """Nothing is shown."""

    def warning(self, text: str) -> None:
        """Nothing is shown."""

    def task(self, description: str, *, counted: bool = False) -> AbstractContextManager[Task]:
        """A task that nobody watches."""
        return nullcontext(self)

    def update(self, done: float, total: float, description: str | None = None) -> None:
        """Nothing is shown."""
