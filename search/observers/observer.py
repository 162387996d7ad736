"""Define what an observer of a search is told."""

from typing import Protocol

from search.run_folder.records import TrialRecord
from search.trial.messages import Progress


class Observer(Protocol):
    """Something that watches a search, such as the display or TensorBoard."""

    def trial_started(self, record: TrialRecord) -> None:
        """Take in that a trial begins, or continues."""

    def progress(self, progress: Progress) -> None:
        """Take in that a step or an epoch of a running trial is done."""

    def trial_finished(self, record: TrialRecord) -> None:
        """Take in that a trial has ended, or was stopped to be continued."""
