"""How far a search is and how long it may still take, from what it has measured so far."""

import time
from dataclasses import dataclass, field

from search.algorithms.plan import Plan
from search.run_folder.records import TrialRecord
from search.trial.messages import Progress


@dataclass
class Pace:
    """Counts epochs and seconds as a search runs.

    Attributes:
        plan: what is to be done in all.
        limit: seconds after which the search is ended anyway (`--max-time`), or None.
        trials_done, epochs_done: finished so far, those of an earlier session included.
    """

    plan: Plan
    limit: float | None = None
    trials_done: int = 0
    epochs_done: int = 0
    best: float | None = None
    started: float = field(default_factory=time.monotonic)
    fresh_epochs: float = 0.0  # trained in this session
    partial: float = 0.0  # share of the running epoch

    def step(self, progress: Progress) -> None:
        """Take in a step or the end of an epoch."""
        if progress.logs is not None:
            self.epochs_done += 1
            self.fresh_epochs += 1
            self.partial = 0.0
        elif not progress.before:
            self.partial = progress.step / progress.steps

    def finished(self, record: TrialRecord, best: float | None) -> None:
        """Take in a finished trial and the best score so far."""
        self.trials_done += record.finished
        if record.stopped_early:
            self.epochs_done += record.epochs - 1 - int(record.history[-1]["epoch"])
        self.partial = 0.0
        self.best = best

    @property
    def share(self) -> float:
        """Part of all epochs that is done, 0–1."""
        return min(1.0, (self.epochs_done + self.partial) / max(self.plan.epochs, 1))

    def seconds_left(self) -> float | None:
        """Estimate from the mean time of an epoch so far; None before there is one."""
        elapsed = time.monotonic() - self.started
        trained = self.fresh_epochs + self.partial
        if trained < 0.2:
            return None if self.limit is None else self.limit - elapsed
        to_train = max(self.plan.epochs - self.epochs_done - self.partial, 0.0)
        estimate = to_train * elapsed / trained
        return estimate if self.limit is None else min(estimate, max(self.limit - elapsed, 0.0))
