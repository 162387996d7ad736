"""What a trial is given and what it reports: plain values that are sent between processes."""

from collections.abc import Callable
from dataclasses import dataclass

from search.run_folder.records import Logs, TrialSpec

REPORT_SECONDS = 0.25  # between two reports of steps

Curve = tuple[tuple[int, float], ...]
"""What a configuration had after its epochs, counted from 0: (epoch, metric)."""


@dataclass(frozen=True)
class TrialTask:
    """A trial to run, with what it must know of others: it reads nothing of theirs itself.

    Attributes:
        spec: what to train.
        earlier: metrics of the epochs of its configuration on earlier rungs, in order.
        peers: (epoch, metric) of each other configuration that finished a trial.
    """

    spec: TrialSpec
    earlier: tuple[Logs, ...] = ()
    peers: tuple[Curve, ...] = ()


@dataclass(frozen=True)
class Progress:
    """A step or an epoch of a trial is done, or of what has to be done before it.

    Attributes:
        epoch: epoch being trained, or just done, counted from 0.
        step, steps: batches of this epoch done, and in all.
        logs: metrics of the epoch where it has just ended, else None.
        before: what is done before the training, if it is that; empty while training.
    """

    trial_id: str
    epoch: int
    step: int
    steps: int
    logs: dict[str, float] | None = None
    before: str = ""


Report = Callable[[Progress], bool]
"""Takes progress; answers whether the trial is to go on."""
