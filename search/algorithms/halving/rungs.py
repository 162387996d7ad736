"""Who is in which rung of ASHA, kept up to date trial by trial.

To look through all trials for each proposal takes longer with each of them: with a thousand slots
these are thousands of trials, and thousands of proposals.
"""

from bisect import insort
from typing import NamedTuple


class _Result(NamedTuple):
    """A trial with a result; of two with the same score the one that began first comes first."""

    minus_score: float
    number: int
    trial_id: str


class Rungs:
    """The trials of a search by rung, from what has begun and what has ended.

    Args:
        count: of rungs.

    Attributes:
        begun: trials that were told of.
        ended: of these.
        highest: rung that any trial is in.
        promotions: trials that go on with an earlier one.
    """

    def __init__(self, count: int) -> None:
        self.begun = self.ended = self.highest = self.promotions = 0
        self._results: list[list[_Result]] = [[] for _ in range(count)]
        self._gone_on: list[set[str]] = [set() for _ in range(count)]
        self._numbers: dict[str, int] = {}

    def begin(self, trial_id: str, rung: int, parent: str | None) -> None:
        """Take in a trial that has begun.

        Args:
            trial_id: its number.
            rung: that it is in; -1 of one that is in none.
            parent: the trial of the rung below that it goes on with; None in the lowest.
        """
        self._numbers[trial_id] = self.begun
        self.begun += 1
        self.highest = max(self.highest, rung)
        if parent is not None:
            self.promotions += 1
            self._gone_on[rung - 1].add(parent)

    def end(self, trial_id: str, rung: int, score: float | None) -> None:
        """Take in that it has ended.

        Args:
            trial_id: its number.
            rung: as above.
            score: more being better; None where there is no result.
        """
        self.ended += 1
        if rung >= 0 and score is not None:
            insort(self._results[rung], _Result(-score, self._numbers[trial_id], trial_id))

    def ranked(self, rung: int) -> list[str]:
        """Those that have a result in a rung, best first."""
        return [each.trial_id for each in self._results[rung]]

    def gone_on(self, rung: int) -> set[str]:
        """Those of a rung that were begun in the next."""
        return self._gone_on[rung]
