"""Decide after each epoch whether a trial can still win, from the trials that have finished.

Two rules, both about accuracy on validation, or about the objective where that counts all classes
the same: what finds rare classes may be right less often. A trial that is no better than chance
after `CHANCE_STEPS` steps, while another has learned something, is ended. So is one, as long as it
has not been promoted, whose best so far is clearly below the median of what the others had after as
many epochs (the median stopping rule of Golovin et al. 2017, "Google Vizier"; clearly means by more
than what chance does on so few images). By the area under the curve nobody is ended for that.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.evaluation.objective import ACCURACY, OBJECTIVES, Objective
from search.evaluation.shares import equal_images
from search.process.wording import counted
from search.run_folder.config import objective_of
from search.run_folder.ranking import configuration_history
from search.run_folder.records import Logs, TrialRecord
from search.trial.experiment import Experiment
from search.trial.messages import Curve, TrialTask

CHANCE_STEPS = 100
DEVIATIONS = 2.0  # standard errors of an accuracy; smaller differences count as chance
MIN_EPOCHS = 2  # no trial is judged by a single epoch
MIN_PEERS = 5  # fewest configurations with as many epochs that have a meaningful median


@dataclass(frozen=True)
class EarlyStop:
    """What a running trial is compared with.

    Attributes:
        images: how many there are to validate on; of a metric that counts all classes the same, as
            many as would tell it as exactly if each class had equally many.
        chance: what the metric is of always naming the largest class.
        curves: (epoch, metric) of each other configuration that finished a trial.
        metric: the key in the histories.
        medians: whether a trial may be ended for being below the median.
    """

    images: float
    chance: float
    curves: tuple[Curve, ...]
    metric: str = ACCURACY
    medians: bool = True

    @classmethod
    def of_task(cls, task: TrialTask, experiment: Experiment) -> "EarlyStop | None":
        """What a trial is compared with; None where the run wants none, or it is too short."""
        if not experiment.config.early_stop or task.spec.epochs <= MIN_EPOCHS:
            return None
        targets = experiment.targets[experiment.validation]
        return cls.against(task.peers, targets, objective_of(experiment.config))

    @classmethod
    def against(
        cls,
        curves: tuple[Curve, ...],
        targets: NDArray[np.int32],
        objective: Objective = OBJECTIVES[ACCURACY],
    ) -> "EarlyStop":
        """Compare with these curves.

        Args:
            curves: as the attribute.
            targets: classes of the images to validate on.
            objective: of the search.
        """
        counts = np.bincount(targets)
        counts = counts[counts > 0]
        if objective.counts_classes:
            return cls(equal_images(targets), 1 / len(counts), curves, objective.name)
        # What has the largest area under the curve may be less accurate than others.
        medians = objective.counts_images or objective.direction == "min"
        chance = float(counts.max()) / len(targets)
        return cls(len(targets), chance, curves, medians=medians)

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
        best = max(logs[self.metric] for logs in history)
        steps = epochs * steps_per_epoch
        if steps >= CHANCE_STEPS and not self._learned(best) and self._somebody_learned:
            return f"no better than chance after {steps} steps"
        # One that was ended early and promoted all the same lacks some of its epochs.
        peers = [
            max(value for epoch, value in curve if epoch < epochs)
            for curve in self.curves
            if any(epoch == epochs - 1 for epoch, _ in curve)
        ]
        comparable = self.medians and not promoted and len(peers) >= MIN_PEERS
        if comparable and best + self._noise(best) < np.median(peers):
            return f"below the median of {len(peers)} others after {counted(epochs, 'epoch')}"
        return ""

    @property
    def _somebody_learned(self) -> bool:
        return any(self._learned(value) for curve in self.curves for _, value in curve)

    def _learned(self, value: float) -> bool:
        return value > self.chance + self._noise(self.chance)

    def _noise(self, value: float) -> float:
        """What chance adds to such a share on so few images, or takes from it."""
        # Rounding may take the mean of shares above 1.
        return DEVIATIONS * math.sqrt(max(value * (1 - value), 0.0) / self.images)


def peer_curves(
    records: Iterable[TrialRecord], configuration: str, objective: Objective = OBJECTIVES[ACCURACY]
) -> tuple[Curve, ...]:
    """Give (epoch, metric) of each other configuration that finished a trial.

    Args:
        records: all of the run.
        configuration: the one that is left out.
        objective: of the search, which is the metric where it counts all classes the same; else
            accuracy is.
    """
    metric = objective.name if objective.counts_classes else ACCURACY
    finished = [record for record in records if record.finished and record.history]
    others = sorted({record.configuration for record in finished} - {configuration})
    histories = [configuration_history(finished, other) for other in others]
    return tuple(
        tuple((int(logs["epoch"]), logs[metric]) for logs in history if metric in logs)
        for history in histories
    )
