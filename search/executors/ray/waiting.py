"""The trials that no slot has taken yet; one that ran out of memory waits for more of it."""

import threading
from collections import Counter, deque

from search.executors.ray.events import Assignment, SlotMemory


class WaitingTrials:
    """Safe to be used by several threads."""

    def __init__(self) -> None:
        self._trials: deque[Assignment] = deque()
        self._slots: Counter[SlotMemory] = Counter()
        self._outgrown: dict[tuple[str, int | None], SlotMemory] = {}
        self._changed = threading.Condition()

    def put(self, assignment: Assignment) -> None:
        """Let the next slot with enough memory take a trial."""
        with self._changed:
            self._trials.append(assignment)
            self._changed.notify_all()

    def take(self, memory: SlotMemory, timeout: float) -> Assignment | None:
        """Wait for a trial that a slot with this memory may take; None if there is none in time.

        First come those that other slots have too little memory for.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._first(memory) is not None, timeout)
            found = self._first(memory)
            if found is not None:
                self._trials.remove(found)
            return found

    def take_any(self) -> Assignment | None:
        """Take the trial that has waited longest; None if none waits."""
        with self._changed:
            return self._trials.popleft() if self._trials else None

    def slot_begins(self, memory: SlotMemory) -> None:
        """Count a slot among those that take trials."""
        with self._changed:
            self._slots[memory] += 1
            self._changed.notify_all()

    def slot_ends(self, memory: SlotMemory) -> None:
        """Count it no longer."""
        with self._changed:
            self._slots[memory] -= 1
            self._changed.notify_all()

    def outgrown(self, assignment: Assignment, memory: SlotMemory) -> bool:
        """Note that a trial has too little of this memory; whether a slot has more.

        Later trials of the same configuration, with the same batch, go there too.
        """
        with self._changed:
            self._outgrown[_kind(assignment)] = memory
            return self._is_elsewhere(memory)

    def _first(self, memory: SlotMemory) -> Assignment | None:
        fitting = [trial for trial in self._trials if self._fits(trial, memory)]
        needing = (trial for trial in fitting if _kind(trial) in self._outgrown)
        return next(needing, fitting[0] if fitting else None)

    def _fits(self, trial: Assignment, memory: SlotMemory) -> bool:
        outgrown = self._outgrown.get(_kind(trial))
        if outgrown is None or memory.is_more_than(outgrown):
            return True
        return not self._is_elsewhere(outgrown)  # what had more is gone

    def _is_elsewhere(self, memory: SlotMemory) -> bool:
        return any(slot.is_more_than(memory) for slot, count in self._slots.items() if count)


def _kind(assignment: Assignment) -> tuple[str, int | None]:
    spec = assignment.task.spec
    return spec.configuration, spec.batch_size
