"""A trial that is to be run, and what the threads of a Ray executor tell the search."""

from dataclasses import dataclass

from search.run_folder.records import TrialResult
from search.trial.messages import Progress, TrialTask

MORE = 1.1  # times the memory, from which on a slot counts as having more


class LostError(Exception):
    """The node is gone, or the search has ended."""


@dataclass(eq=False)
class Assignment:
    """A trial that is to be run, on whichever slot takes it.

    Attributes:
        task: the trial.
        stop: whether it is to end at its next step.
        lost: slots that it has lost since its last training state came back.
    """

    task: TrialTask
    stop: bool = False
    lost: int = 0

    @property
    def trial_id(self) -> str:
        """Its trial."""
        return self.task.spec.trial_id


@dataclass(frozen=True)
class Place:
    """Where a trial runs, and the memory that it has there.

    Attributes:
        node: its machine.
        gpu: whether it is a GPU's memory.
        memory: bytes of the slot's share; 0 where that is not known.
    """

    node: str = ""
    gpu: bool = False
    memory: int = 0

    def has_more_than(self, other: "Place") -> bool:
        """Whether it has memory of the same kind, and noticeably more."""
        return self.gpu == other.gpu and self.memory > MORE * other.memory > 0


@dataclass(frozen=True)
class Told:
    """A trial has reported."""

    progress: Progress


@dataclass(frozen=True)
class Ended:
    """A trial has ended, well or badly; its files are here."""

    assignment: Assignment
    result: TrialResult
    place: Place


@dataclass(frozen=True)
class Lost:
    """A slot is gone, but for no fault of the trial that it had taken."""

    assignment: Assignment


@dataclass(frozen=True)
class Said:
    """Something is to be said to the user, who must do something where it is a warning."""

    words: str
    warning: bool = False


@dataclass(frozen=True)
class Grown:
    """There are more slots than before."""


Event = Told | Ended | Lost | Said | Grown | Exception
