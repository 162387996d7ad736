"""Decide after each epoch whether a trial can still win, from the trials that have finished.

Two rules, both about validation accuracy, whatever the objective. A trial that is no better than
chance after `CHANCE_STEPS` steps, while another has learned something, is ended. So is one, as
long as it has not been promoted, whose best so far is clearly below the median of what the others
had after as many epochs (the median stopping rule of Golovin et al. 2017, "Google Vizier"; clearly
means by more than what chance does to an accuracy on so few images).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.evaluation.objective import ACCURACY
from search.process.wording import counted
from search.run_folder.ranking import configuration_history
from search.run_folder.records import Logs, TrialRecord
from search.trial.experiment import Experiment
from search.trial.messages import TrialTask

CHANCE_STEPS = 100
DEVIATIONS = 2.0  # standard errors of an accuracy; smaller differences count as chance
MIN_EPOCHS = 2  # no trial is judged by a single epoch
MIN_PEERS = 5  # fewest configurations with as many epochs that have a meaningful median


@dataclass(frozen=True)
class EarlyStop:
    """What a running trial is compared with.

    Attributes:
        images: how many there are to validate on.
        chance: share of the largest class among them.
        curves: validation accuracy by epoch of each other configuration that finished a trial.
    """

    images: int
    chance: float
    curves: tuple[tuple[float, ...], ...]

    @classmethod
    def of_task(cls, task: TrialTask, experiment: Experiment) -> "EarlyStop | None":
        """What a trial is compared with; None where the run wants none, or it is too short."""
        if not experiment.config.early_stop or task.spec.epochs <= MIN_EPOCHS:
            return None
        return cls.against(task.peers, experiment.targets[experiment.validation])

    @classmethod
    def against(
        cls, curves: tuple[tuple[float, ...], ...], targets: NDArray[np.int32]
    ) -> "EarlyStop":
        """Compare with these curves.

        Args:
            curves: as the attribute.
            targets: classes of the images to validate on.
        """
        chance = float(np.bincount(targets).max()) / len(targets)
        return cls(images=len(targets), chance=chance, curves=curves)

    def reason(
        self, history: Sequence[Logs], *, steps_per_epoch: int, promoted: bool = False
    ) -> str:
        """Why a configuration with this history is not worth going on with; empty if it is.

        Args:
            history: of its epochs so far, the last one among them.
            steps_per_epoch: training steps in each.
            promoted: whether it has won a rung already.
        """
        epochs = int(history[-1]["epoch"]) + 1
        if epochs < MIN_EPOCHS:
            return ""
        best = max(logs[ACCURACY] for logs in history)
        steps = epochs * steps_per_epoch
        if steps >= CHANCE_STEPS and not self._learned(best) and self._somebody_learned:
            return f"no better than chance after {steps} steps"
        peers = [max(curve[:epochs]) for curve in self.curves if len(curve) >= epochs]
        if not promoted and len(peers) >= MIN_PEERS and best + self._noise(best) < np.median(peers):
            return f"below the median of {len(peers)} others after {counted(epochs, 'epoch')}"
        return ""

    @property
    def _somebody_learned(self) -> bool:
        return any(self._learned(value) for curve in self.curves for value in curve)

    def _learned(self, accuracy: float) -> bool:
        return accuracy > self.chance + self._noise(self.chance)

    def _noise(self, accuracy: float) -> float:
        """What chance adds to an accuracy on so few images, or takes from it."""
        return DEVIATIONS * math.sqrt(accuracy * (1 - accuracy) / self.images)


def peer_curves(
    records: Iterable[TrialRecord], configuration: str
) -> tuple[tuple[float, ...], ...]:
    """Validation accuracy by epoch of each other configuration that finished a trial.

    Args:
        records: all of the run.
        configuration: the one that is left out.
    """
    finished = [record for record in records if record.finished and record.history]
    others = sorted({record.configuration for record in finished} - {configuration})
    histories = [configuration_history(finished, other) for other in others]
    return tuple(tuple(logs[ACCURACY] for logs in history) for history in histories)
