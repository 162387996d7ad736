"""Progress bars with the time left."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)


class Update(Protocol):
    """Called with what is done and what there is in all; `what` changes the words beside it."""

    def __call__(self, done: float, total: float, what: str | None = None) -> None:
        """Show it."""


def watch_files(console: Console, what: str) -> AbstractContextManager[Update]:
    """Show how many files are done; gives a function to call with (done, in all)."""
    return _bar(console, what, MofNCompleteColumn())


def watch_share(console: Console, what: str) -> AbstractContextManager[Update]:
    """Show the share that is done; gives a function to call with (done, in all) of any unit."""
    return _bar(console, what, TaskProgressColumn())


@contextmanager
def _bar(console: Console, what: str, column: ProgressColumn) -> Iterator[Update]:
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        column,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task(what, total=None)

        def update(done: float, total: float, what: str | None = None) -> None:
            bar.update(task, completed=done, total=total, description=what)

        yield update
