"""What an observer of a search is told."""

from typing import Protocol

from search.run_folder.records import TrialRecord
from search.trial.messages import Progress


class Observer(Protocol):
    """Who watches a search: the display, TensorBoard."""

    def trial_started(self, record: TrialRecord) -> None:
        """A trial begins, or goes on."""

    def progress(self, progress: Progress) -> None:
        """A step or an epoch of a running trial is done."""

    def trial_finished(self, record: TrialRecord) -> None:
        """A trial has ended, or was stopped to be continued."""
