"""Show a running search: a live display on a terminal, plain lines elsewhere."""

import time
from contextlib import ExitStack

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from search.observers.scoreboard import RunningTrial, Scoreboard, outcome, progress_in_words, score
from search.process.terminal import without_ctrl_c_echo
from search.process.wording import duration_in_words, time_left
from search.run_folder.origins import ORIGINS
from search.run_folder.ranking import best_first
from search.run_folder.records import DIVERGED, FAILED, TrialRecord
from search.trial.messages import Progress

_LEADERS = 3
_OTHER_LINES = 4 + _LEADERS + 1  # of the panel: frame, bar and blank, the best, the last failure


class PlainDisplay:
    """Print a line when a trial ends, on a stream that is no terminal."""

    def __init__(self, board: Scoreboard, console: Console):
        self.board, self.console = board, console

    def __enter__(self) -> "PlainDisplay":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def trial_started(self, record: TrialRecord) -> None:
        """Count it; nothing is printed yet."""
        self.board.trial_started(record)

    def progress(self, progress: Progress) -> None:
        """Count it; nothing is printed."""
        self.board.progress(progress)

    def trial_finished(self, record: TrialRecord) -> None:
        """Print the trial, its result, the best score so far and the time left."""
        number = self.board.number
        self.board.trial_finished(record)
        board = self.board
        what = record.title
        self.console.print(
            f"trial {number}{board.of_all()}  {what}  "
            f"{outcome(record, board.objective.name)}  ({duration_in_words(record.seconds)})  "
            f"best {score(board.best)}  {time_left(board.pace.seconds_left())}",
            highlight=False,
            markup=False,
        )


class LiveDisplay:
    """Show the search as a panel on a terminal, drawn again several times per second."""

    def __init__(self, board: Scoreboard, console: Console):
        self.board, self.console = board, console
        self.live = Live(console=console, refresh_per_second=4, get_renderable=self.render)

        self.stack = ExitStack()

    def __enter__(self) -> "LiveDisplay":
        self.stack.enter_context(without_ctrl_c_echo())
        self.stack.enter_context(self.live)
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def trial_started(self, record: TrialRecord) -> None:
        """Show the new configuration."""
        self.board.trial_started(record)

    def progress(self, progress: Progress) -> None:
        """Show epoch and step."""
        self.board.progress(progress)

    def trial_finished(self, record: TrialRecord) -> None:
        """Show the result."""
        self.board.trial_finished(record)

    def render(self) -> RenderableType:
        """Draw the whole panel."""
        pace = self.board.pace
        bar = Table.grid(padding=(0, 2), expand=True)
        bar.add_column(ratio=1)
        bar.add_column(justify="right", no_wrap=True)
        elapsed = duration_in_words(time.monotonic() - pace.started)
        bar.add_row(
            ProgressBar(total=1.0, completed=pace.share),
            f"{pace.share:.0%}   {elapsed} gone   {time_left(pace.seconds_left())}",
        )
        parts: list[RenderableType] = [self._running(), bar, Text(), self._leaders()]
        lines = max(len(self.board.running), 2) + _OTHER_LINES
        if lines + 1 + len(self.board.spent) < self.console.height:
            parts += [Text(), self._time_spent()]
        return Panel(
            Group(*parts), title=self.board.title(), title_align="left", border_style="dim"
        )

    def _running(self) -> RenderableType:
        """Show the running trials: two lines for one trial, a line each for several.

        A long description is cut, so that it does not hide the progress of its trial.
        """
        running = list(self.board.running.values())
        if len(running) == 1:
            return Group(_configuration(running[0]), _where(running[0]))
        if not running:
            return Group() if self.board.pace.trials_done else Text("starting …")
        table = Table.grid(padding=(0, 2), expand=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_column(no_wrap=True)
        # rich cuts off the lower end of a panel that is higher than the terminal, and the time left
        # stands there.
        room = max(self.console.height - _OTHER_LINES - 1, 1)
        for trial in running[:room]:
            table.add_row(_configuration(trial), _where(trial))
        if len(running) > room:
            table.add_row(Text(f"and {len(running) - room} more", style="dim"))
        return table

    def _leaders(self) -> Table:
        """Show the best three configurations and the last failure."""
        table = Table.grid(padding=(0, 2), expand=True)
        for _ in range(3):
            table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        ranked = best_first(list(self.board.records.values()), self.board.objective)
        scored = [record for record in ranked if record.score is not None]
        for place, record in enumerate(scored[:_LEADERS], start=1):
            style = "green" if place == 1 else ""
            table.add_row(
                f"{place}.",
                score(record),
                f"epoch {record.epochs_to_best}",
                record.title,
                style=style,
            )
        failures = [r for r in self.board.records.values() if r.status in (FAILED, DIVERGED)]
        if failures:
            last = failures[-1]
            # The reason may be a library's message with brackets, which rich would take for markup.
            reason = Text(f"last: {last.reason}")
            table.add_row("!", f"{len(failures)}", "failed", reason, style="yellow")
        return table

    def _time_spent(self) -> Table:
        """Show what the time went into, and what each part has brought."""
        table = Table.grid(padding=(0, 2))
        for justify in ("left", "right", "right", "left"):
            table.add_column(no_wrap=True, justify=justify)
        for part in self.board.spent:
            best = "" if part.best is None else f"best {part.best:.4f}"
            seconds = duration_in_words(part.seconds)
            row = (ORIGINS[part.origin], seconds, f"{part.configurations} tried", best)
            table.add_row(*row, style="dim")
        return table


def _configuration(running: RunningTrial) -> Text:
    words = running.record.title
    return Text(words, style="bold", overflow="ellipsis", no_wrap=True)


def _where(running: RunningTrial) -> Text:
    return Text(progress_in_words(running), style="" if running.progress else "dim")


def make_display(board: Scoreboard, console: Console) -> LiveDisplay | PlainDisplay:
    """Make the live display on a terminal, plain lines anywhere else."""
    return LiveDisplay(board, console) if console.is_terminal else PlainDisplay(board, console)
