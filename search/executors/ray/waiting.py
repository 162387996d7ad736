"""The trials that no slot has taken yet; one that went wrong somewhere is given another place."""

import threading
from collections import Counter, defaultdict, deque

from search.executors.ray.events import Assignment, Place


class WaitingTrials:
    """Safe to be used by several threads."""

    def __init__(self) -> None:
        self._trials: deque[Assignment] = deque()
        self._slots: Counter[Place] = Counter()
        self._outgrown: dict[tuple[str, int | None], Place] = {}
        self._killed: defaultdict[tuple[str, int | None], set[str]] = defaultdict(set)
        self._changed = threading.Condition()

    def put(self, assignment: Assignment) -> None:
        """Let the next slot that suits it take a trial."""
        with self._changed:
            self._trials.append(assignment)
            self._changed.notify_all()

    def take(self, place: Place, timeout: float) -> Assignment | None:
        """Wait for a trial that the slot at a place may take; None if there is none in time.

        First come those that other slots have too little memory for.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._first(place) is not None, timeout)
            found = self._first(place)
            if found is not None:
                self._trials.remove(found)
            return found

    def take_any(self) -> Assignment | None:
        """Take the trial that has waited longest; None if none waits."""
        with self._changed:
            return self._trials.popleft() if self._trials else None

    def slot_begins(self, place: Place) -> None:
        """Count a slot among those that take trials."""
        with self._changed:
            self._slots[place] += 1
            self._changed.notify_all()

    def slot_ends(self, place: Place) -> None:
        """Count it no longer."""
        with self._changed:
            self._slots[place] -= 1
            self._changed.notify_all()

    def outgrown(self, assignment: Assignment, place: Place) -> bool:
        """Note that a trial has too little memory at a place; whether a slot has more.

        Later trials of the same configuration, with the same batch, go there too.
        """
        with self._changed:
            self._outgrown[_kind(assignment)] = place
            return self._is_elsewhere(place)

    def particular(self) -> int:
        """Count the trials that wait for some slots alone: others may be idle meanwhile."""
        with self._changed:
            places = +self._slots
            return sum(
                not all(self._fits(trial, each) for each in places) for trial in self._trials
            )

    def killed(self, assignment: Assignment, place: Place) -> None:
        """Note that a trial took its worker with it: next time it is given another machine."""
        with self._changed:
            self._killed[_kind(assignment)].add(place.node)

    def _first(self, place: Place) -> Assignment | None:
        fitting = [trial for trial in self._trials if self._fits(trial, place)]
        needing = (trial for trial in fitting if _kind(trial) in self._outgrown)
        return next(needing, fitting[0] if fitting else None)

    def _fits(self, trial: Assignment, place: Place) -> bool:
        """Whether a place is as good for a trial as any that there is."""
        places, less = list(+self._slots), self._outgrown.get(_kind(trial))
        places = [each for each in places if less and each.has_more_than(less)] or places
        killed = self._killed.get(_kind(trial), ())
        return place in ([each for each in places if each.node not in killed] or places)

    def _is_elsewhere(self, place: Place) -> bool:
        return any(slot.has_more_than(place) for slot in +self._slots)


def _kind(assignment: Assignment) -> tuple[str, int | None]:
    spec = assignment.task.spec
    return spec.configuration, spec.batch_size
