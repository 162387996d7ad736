"""Show an export as one line of progress, with the time left for all of it."""

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from search.process.progress import ProgressSink, Task
from search.process.wording import about_in_words
from search.run_folder.record_files import load_records
from search.selection.choosing_estimate import costliest_parts, seconds_of_choosing
from search.selection.finalists import TRAINING_AGAIN
from search.trial.experiment import Experiment
from search.trial.retrain import RETRAINING

WRITING, TESTING = "writing and checking files", "testing"  # what tasks are called


def part_seconds(
    experiment: Experiment, *, formats: Sequence[str], top: int, seeds: int, until: float
) -> dict[str, float]:
    """Estimate the seconds of each part of an export, by the description of its task, in order.

    Args:
        experiment: the run.
        formats: that are written besides the first.
        top: how many of the best are trained again.
        seeds: how often each.
        until: of `time.monotonic`, when that has ended.
    """
    records = load_records(experiment.run)
    again = seconds_of_choosing(records, experiment, top=top, seeds=seeds)
    parts = costliest_parts(records, experiment, top=top, formats=formats)
    return {
        TRAINING_AGAIN: min(again, max(until - time.monotonic(), 0.0)),
        RETRAINING: parts.retraining,
        WRITING: parts.files,
        TESTING: parts.testing,
    }


@contextmanager
def as_one(progress: ProgressSink, seconds: Mapping[str, float]) -> Iterator[ProgressSink]:
    """Give a sink whose tasks are parts of one; see `WholeProgress`."""
    with progress.task("exporting") as whole:
        yield WholeProgress(progress, whole, seconds)


class WholeProgress:
    """A `ProgressSink` whose tasks are parts of one.

    Args:
        progress: for messages and warnings.
        whole: the one task.
        seconds: estimated, by the description of a task, in order; of others 0.
    """

    def __init__(self, progress: ProgressSink, whole: Task, seconds: Mapping[str, float]):
        self.progress, self.whole, self.seconds = progress, whole, seconds
        ends = list(itertools.accumulate(seconds.values()))
        self.starts = dict(zip(seconds, [0.0, *ends], strict=False))
        self.done, self.total, self.said = 0.0, ends[-1], False

    def message(self, text: str) -> None:
        """Say it, after what all of it will take."""
        self._say_once()
        self.progress.message(text)

    def warning(self, text: str) -> None:
        """Say it, after what all of it will take."""
        self._say_once()
        self.progress.warning(text)

    def _say_once(self) -> None:
        """Not at the very start: what is refused there takes no time."""
        if not self.said:
            self.said = True
            self.progress.message(f"exporting: {about_in_words(self.total)}")

    @contextmanager
    def task(self, description: str, *, counted: bool = False) -> Iterator[Task]:
        """A part of the whole: those before it are over, also if they were never begun."""
        self._say_once()
        self.done = max(self.done, self.starts.get(description, 0.0))
        seconds = self.seconds.get(description, 0.0)
        self.whole.update(self.done, self.total, description)
        yield _Part(self, seconds, self.done)
        self.done += seconds
        self.whole.update(self.done, self.total)


class _Part:
    """The `Task` of one part."""

    def __init__(self, sink: WholeProgress, seconds: float, before: float):
        self.sink, self.seconds, self.before = sink, seconds, before

    def update(self, done: float, total: float, description: str | None = None) -> None:
        """Say how far this part is."""
        share = min(done / total, 1.0) if total else 1.0
        self.sink.whole.update(self.before + self.seconds * share, self.sink.total, description)
