"""Trials that cannot win any more: decided after each epoch, from what has finished before.

Two rules. A trial that is no better than chance after `CHANCE_STEPS` steps, while another has
learned something, is ended. So is one whose best value so far is below the median of what the
others had after as many epochs (the median stopping rule of Golovin et al. 2017, "Google Vizier"):
in the rungs of Hyperband half of a rung or more is dropped in the end anyway.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.records import Logs, TrialRecord, configuration_history

CHANCE_STEPS = 100
DEVIATIONS = 2.0  # of the accuracy that guessing has on as many pictures
EPOCHS = 2  # no trial is judged by a single epoch
PEERS = 5  # configurations that must have come as far, for a median to mean something


@dataclass(frozen=True)
class EarlyStop:
    """What a running trial is compared with.

    Attributes:
        objective: key of the logs that is compared.
        sign: 1 where larger is better, -1 where smaller is.
        chance: validation accuracy that guessing does not exceed but by a rare chance.
        curves: the objective by epoch of each other configuration that has finished a trial.
        learned: whether one of them was better than chance.
    """

    objective: str
    sign: int
    chance: float
    curves: tuple[tuple[float, ...], ...]
    learned: bool

    @classmethod
    def from_records(
        cls,
        records: Sequence[TrialRecord],
        *,
        configuration: str,
        objective: str,
        direction: str,
        targets: NDArray[np.int32],
    ) -> "EarlyStop":
        """Look at the finished trials of a run.

        Args:
            records: all of the run.
            configuration: the one that is judged.
            objective: a key of the logs.
            direction: "max" or "min".
            targets: classes of the pictures to validate on.
        """
        finished = [record for record in records if record.finished and record.history]
        others = {record.configuration for record in finished} - {configuration}
        histories = [configuration_history(finished, other) for other in sorted(others)]
        chance = _chance(targets)
        return cls(
            objective=objective,
            sign=1 if direction == "max" else -1,
            chance=chance,
            curves=tuple(tuple(logs[objective] for logs in history) for history in histories),
            learned=any(logs["val_accuracy"] > chance for h in histories for logs in h),
        )

    def reason(self, history: Sequence[Logs], steps_per_epoch: int) -> str:
        """Why a configuration with this history is not worth going on with; empty if it is.

        Args:
            history: of all its epochs so far.
            steps_per_epoch: training steps in each.
        """
        epochs = int(history[-1]["epoch"]) + 1
        if epochs < EPOCHS:
            return ""
        steps = epochs * steps_per_epoch
        accuracy = max(logs["val_accuracy"] for logs in history)
        if steps >= CHANCE_STEPS and self.learned and accuracy <= self.chance:
            return f"no better than chance after {steps} steps"
        mine = max(self.sign * logs[self.objective] for logs in history)
        peers = [
            max(self.sign * value for value in curve[:epochs])
            for curve in self.curves
            if len(curve) >= epochs
        ]
        if len(peers) >= PEERS and mine < np.median(peers):
            return f"below the median of {len(peers)} others after {epochs} epochs"
        return ""


def _chance(targets: NDArray[np.int32]) -> float:
    """The share of the largest class, and what chance adds to it on so few pictures."""
    share = float(np.bincount(targets).max()) / len(targets)
    return share + DEVIATIONS * math.sqrt(share * (1 - share) / len(targets))
