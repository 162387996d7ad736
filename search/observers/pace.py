"""Estimate how much of a search is done and how long it will still take."""

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
        limit: seconds from now after which the search is ended anyway (`--max-time`), or None.
        open_ended: whether the time limit ends the search, whatever the plan.
        trials_done, epochs_done: finished so far, those of an earlier session included.
        fresh_epochs: trained in this session.
        partial: by trial, of those that run, the share of its running epoch that is done, 0–1.
    """

    plan: Plan
    limit: float | None = None
    open_ended: bool = False
    trials_done: int = 0
    epochs_done: int = 0
    started: float = field(default_factory=time.monotonic)
    fresh_epochs: int = field(default=0, init=False)
    partial: dict[str, float] = field(default_factory=dict, init=False)

    def began(self, record: TrialRecord) -> None:
        """Take in that a trial begins, or begins anew."""
        self.partial[record.trial_id] = 0.0

    def step(self, progress: Progress) -> None:
        """Take in a step or the end of an epoch."""
        if progress.logs is not None:
            self.epochs_done += 1
            self.fresh_epochs += 1
            self.partial[progress.trial_id] = 0.0
        elif not progress.before:
            self.partial[progress.trial_id] = progress.step / progress.steps

    def finished(self, record: TrialRecord) -> None:
        """Take in a trial that has ended, or was stopped to be continued."""
        self.trials_done += record.finished
        if record.stopped_early:
            # The epochs that it was spared count as done: they are part of the plan.
            self.epochs_done += record.epochs - 1 - int(record.history[-1]["epoch"])
        self.partial.pop(record.trial_id, None)

    @property
    def trials(self) -> int | None:
        """Return how many trials there are in all; None where that is not known."""
        return self.plan.trials if self.plan.exact and not self.open_ended else None

    @property
    def share(self) -> float:
        """Return the share of all epochs, or of the time, that is done, 0–1."""
        if self.open_ended and self.limit:
            return min(1.0, (time.monotonic() - self.started) / self.limit)
        return min(1.0, (self.epochs_done + self._partial_epochs) / max(self.plan.epochs, 1))

    @property
    def _partial_epochs(self) -> float:
        """Add up the parts of epochs that running trials have done."""
        return sum(self.partial.values())

    def seconds_left(self) -> float | None:
        """Estimate the seconds left from the mean time per epoch; None before there is one."""
        elapsed = time.monotonic() - self.started
        trained = self.fresh_epochs + self._partial_epochs
        if trained < 0.2 or self.open_ended:
            return None if self.limit is None else max(self.limit - elapsed, 0.0)
        to_train = max(self.plan.epochs - self.epochs_done - self._partial_epochs, 0.0)
        estimate = to_train * elapsed / trained
        return estimate if self.limit is None else min(estimate, max(self.limit - elapsed, 0.0))
