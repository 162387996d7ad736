"""What a person sees while a search runs: one live display, or plain lines without a terminal."""

import time

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from models.describe import describe
from search.observers.pace import Pace
from search.process.wording import duration_in_words
from search.run_folder.records import COMPLETED, DIVERGED, FAILED, TrialRecord, best_first
from search.trial.messages import Progress

_MARKS = {COMPLETED: "", DIVERGED: "diverged: ", FAILED: "failed: "}


class Scoreboard:
    """What both displays need to know: all records, who is best, how far it is."""

    def __init__(self, pace: Pace, records: list[TrialRecord], *, objective: str, direction: str):
        self.pace, self.objective, self.direction = pace, objective, direction
        self.records = {record.trial_id: record for record in records}
        self.current: TrialRecord | None = None
        self.progress: Progress | None = None
        self._count_best()

    def started(self, record: TrialRecord) -> None:
        """A trial begins."""
        self.current, self.progress = record, None
        self.records[record.trial_id] = record

    def finished(self, record: TrialRecord) -> None:
        """A trial ended."""
        self.records[record.trial_id] = record
        self._count_best()
        self.pace.finished(record, self.best.score if self.best else None)

    def _count_best(self) -> None:
        ranked = best_first(list(self.records.values()), self.direction)
        self.best = ranked[0] if ranked and ranked[0].score is not None else None

    @property
    def number(self) -> int:
        """Number of the trial that runs, from 1."""
        return self.pace.trials_done + 1


class PlainDisplay:
    """A line when a trial ends, on a stream that is no terminal."""

    def __init__(self, board: Scoreboard, console: Console):
        self.board, self.console = board, console

    def __enter__(self) -> "PlainDisplay":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def trial_started(self, record: TrialRecord) -> None:
        """Nothing is said yet."""
        self.board.started(record)

    def progress(self, progress: Progress) -> None:
        """Counted, not printed."""
        self.board.pace.step(progress)

    def trial_finished(self, record: TrialRecord) -> None:
        """One line: which trial, what came out, the best so far, the time left."""
        number = self.board.number
        self.board.finished(record)
        board = self.board
        self.console.print(
            f"trial {number} of {board.pace.plan.trials}  {describe(record.values)}  "
            f"{outcome(record, board.objective)}  ({duration_in_words(record.seconds)})  "
            f"best {score(board.best)}  left {duration_in_words(board.pace.seconds_left())}",
            soft_wrap=True,
            highlight=False,
            markup=False,
        )


class LiveDisplay:
    """The same on a terminal: a panel that is drawn anew several times a second."""

    def __init__(self, board: Scoreboard, console: Console):
        self.board = board
        self.live = Live(console=console, refresh_per_second=4, get_renderable=self.render)

    def __enter__(self) -> "LiveDisplay":
        self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.live.stop()

    def trial_started(self, record: TrialRecord) -> None:
        """Show the new configuration."""
        self.board.started(record)

    def progress(self, progress: Progress) -> None:
        """Show epoch and step."""
        self.board.pace.step(progress)
        self.board.progress = progress

    def trial_finished(self, record: TrialRecord) -> None:
        """Show the result."""
        self.board.finished(record)

    def render(self) -> RenderableType:
        """The whole panel."""
        pace = self.board.pace
        title = f"trial {min(self.board.number, pace.plan.trials)} of {pace.plan.trials}"
        bar = Table.grid(padding=(0, 2), expand=True)
        bar.add_column(ratio=1)
        bar.add_column(justify="right", no_wrap=True)
        elapsed = duration_in_words(time.monotonic() - pace.started)
        bar.add_row(
            ProgressBar(total=1.0, completed=pace.share),
            f"{pace.share:.0%}   {elapsed} gone   {duration_in_words(pace.seconds_left())} left",
        )
        parts: list[RenderableType] = [self._current(), bar, Text(), self._leaders()]
        return Panel(Group(*parts), title=title, title_align="left", border_style="dim")

    def _current(self) -> Group:
        """The running configuration, and below it where it is: long ones must not hide that."""
        record, progress = self.board.current, self.board.progress
        if record is None:
            return Group(Text("starting …"))
        name = Text(describe(record.values), style="bold", overflow="ellipsis", no_wrap=True)
        if progress is None or progress.trial_id != record.trial_id:
            return Group(name, Text("building", style="dim"))
        if progress.before:
            return Group(name, Text(f"{progress.before}: {progress.step / progress.steps:.0%}"))
        return Group(
            name,
            Text(
                f"epoch {progress.epoch + 1} of {record.epochs}, "
                f"step {progress.step} of {progress.steps}"
            ),
        )

    def _leaders(self) -> Table:
        """The best three configurations and the last trial."""
        table = Table.grid(padding=(0, 2), expand=True)
        for _ in range(3):
            table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        ranked = best_first(list(self.board.records.values()), self.board.direction)
        for place, record in enumerate([r for r in ranked if r.score is not None][:3], start=1):
            style = "green" if place == 1 else ""
            table.add_row(
                f"{place}.",
                score(record),
                f"epoch {record.epochs_to_best}",
                describe(record.values),
                style=style,
            )
        failures = [r for r in self.board.records.values() if r.status in (FAILED, DIVERGED)]
        if failures:
            last = failures[-1]
            # A reason is what some library said, brackets and all: shown, not obeyed.
            reason = Text(f"last: {last.reason}")
            table.add_row("!", f"{len(failures)}", "failed", reason, style="yellow")
        return table


def outcome(record: TrialRecord, objective: str) -> str:
    """What came of a trial, in a few words."""
    if record.reason:
        return _MARKS.get(record.status, "") + record.reason
    if not record.finished:
        return "stopped, goes on with --resume"
    early = f", stopped early: {record.stopped_early}" if record.stopped_early else ""
    return f"{objective} {score(record)}{early}"


def score(record: TrialRecord | None) -> str:
    """A score with four digits, or a dash."""
    return "–" if record is None or record.score is None else f"{record.score:.4f}"


def make_display(board: Scoreboard, console: Console) -> LiveDisplay | PlainDisplay:
    """The live display on a terminal, plain lines anywhere else."""
    return LiveDisplay(board, console) if console.is_terminal else PlainDisplay(board, console)
