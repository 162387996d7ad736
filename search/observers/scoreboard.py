"""Keep the state of a running search for its displays, and say parts of it in words."""

from dataclasses import dataclass

from search.evaluation.objective import Objective
from search.observers.pace import Pace
from search.process.wording import counted
from search.run_folder.ranking import best_first
from search.run_folder.records import COMPLETED, DIVERGED, FAILED, TrialRecord
from search.run_folder.time_spent import time_spent
from search.trial.messages import Progress

_MARKS = {COMPLETED: "", DIVERGED: "diverged: ", FAILED: "failed: "}


@dataclass
class RunningTrial:
    """A running trial, and its last progress report."""

    record: TrialRecord
    progress: Progress | None = None


class Scoreboard:
    """Keep all records, the best of them, where the time went, and the running trials.

    A display hands on to it what the search reports, and shows what it holds.
    """

    def __init__(self, pace: Pace, records: list[TrialRecord], *, objective: Objective):
        self.pace, self.objective = pace, objective
        self.records = {record.trial_id: record for record in records}
        self.running: dict[str, RunningTrial] = {}  # by trial, in the order in which they began
        self._add_up()

    def trial_started(self, record: TrialRecord) -> None:
        """Take in that a trial begins, or begins again."""
        self.running[record.trial_id] = RunningTrial(record)
        self.records[record.trial_id] = record
        self.pace.began(record)

    def progress(self, progress: Progress) -> None:
        """Take in a step, an epoch, or a part of the work before the training."""
        self.pace.step(progress)
        if progress.trial_id in self.running:
            self.running[progress.trial_id].progress = progress

    def trial_finished(self, record: TrialRecord) -> None:
        """Take in that a trial ended."""
        self.records[record.trial_id] = record
        self.running.pop(record.trial_id, None)
        self._add_up()
        self.pace.finished(record)

    def _add_up(self) -> None:
        ranked = best_first(list(self.records.values()), self.objective)
        self.best = ranked[0] if ranked and ranked[0].score is not None else None
        finished = [record for record in self.records.values() if record.finished]
        self.spent = time_spent(finished, self.objective)

    @property
    def number(self) -> int:
        """Return the number of the trial that ends next, from 1."""
        return self.pace.trials_done + 1

    def title(self) -> str:
        """Say which trials run: `trial 3 of 20`, or for several `trials 3–6 of 20`."""
        first, last = self.number, self.pace.trials_done + len(self.running)
        if (total := self.pace.trials) is not None:
            first, last = min(first, total), min(last, total)
        which = f"trials {first}–{last}" if last > first else f"trial {first}"
        return which + self.of_all()

    def finished_in_words(self) -> str:
        """Say `2 of 6 trials are finished`, or `1 trial is finished` of an unknown number."""
        done, trials = self.pace.trials_done, self.pace.trials
        if trials is not None:
            return f"{done} of {trials} trials are finished"
        return f"{counted(done, 'trial')} {'is' if done == 1 else 'are'} finished"

    def of_all(self) -> str:
        """Say ` of 20`, or nothing where it is not known how many trials there will be."""
        return "" if self.pace.trials is None else f" of {self.pace.trials}"


def progress_in_words(running: RunningTrial) -> str:
    """Say how far a running trial is, in a few words."""
    progress = running.progress
    if progress is None:
        return "building"
    if progress.before:
        return f"{progress.before}: {progress.step / progress.steps:.0%}"
    return (
        f"epoch {progress.epoch + 1} of {running.record.epochs}, "
        f"step {progress.step} of {progress.steps}"
    )


def outcome(record: TrialRecord, objective: str) -> str:
    """Say the result of a trial in a few words."""
    if record.reason:
        return _MARKS.get(record.status, "") + record.reason
    if not record.finished:
        return "stopped, goes on with --resume"
    early = f", stopped early: {record.stopped_early}" if record.stopped_early else ""
    return f"{objective} {score(record)}{early}"


def score(record: TrialRecord | None) -> str:
    """Write a score with four digits, or a dash."""
    return "–" if record is None or record.score is None else f"{record.score:.4f}"
