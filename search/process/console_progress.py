"""Progress on a console: bars with the time left on a terminal, lines for messages anywhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Task as RichTask
from rich.spinner import Spinner
from rich.text import Text

from search.process.progress import Task


class ConsoleProgress:
    """The `ProgressSink` of the command line.

    Args:
        console: where all of it goes. Without a terminal there are no bars, only lines.
    """

    def __init__(self, console: Console):
        self.console = console

    def message(self, text: str) -> None:
        """Print it as it is: names with brackets are no markup, and lines are not broken."""
        self.console.print(Text(text))

    def warning(self, text: str) -> None:
        """Print it after `warning:`."""
        self.console.print(Text.assemble(("warning: ", "yellow"), text))

    @contextmanager
    def task(self, description: str, *, counted: bool = False) -> Iterator[Task]:
        """A bar while the context lasts; until the first update a spinner."""
        bar = Progress(
            TextColumn("{task.description}", markup=False),
            _SpinnerOrBar(),
            MofNCompleteColumn() if counted else TaskProgressColumn(),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        with bar:
            yield _Bar(bar, bar.add_task(description, total=None))


class _SpinnerOrBar(ProgressColumn):
    """A bar as soon as there is a total: rich's bar without one is full, which looks done."""

    def __init__(self) -> None:
        super().__init__()
        self.spinner, self.bar = Spinner("dots"), BarColumn()

    def render(self, task: RichTask) -> RenderableType:
        return self.spinner if task.total is None else self.bar.render(task)


class _Bar:
    """The `Task` of one bar."""

    def __init__(self, bar: Progress, task: TaskID):
        self.bar, self.task = bar, task

    def update(self, done: float, total: float, description: str | None = None) -> None:
        self.bar.update(self.task, completed=done, total=total, description=description)
