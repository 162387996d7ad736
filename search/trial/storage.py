"""Where a trial keeps its training state and its predictions."""

from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from search.process.atomic_files import write_array
from search.run_folder.paths import RunFolder
from search.trial.checkpoint import TrainingState


class TrialStorage(Protocol):
    """What a trial reads and writes. On another machine it is another class."""

    def load_state(self, trial_id: str) -> TrainingState | None:
        """The training state of a trial, its parent's too; None where there is none."""

    def save_state(self, trial_id: str, state: TrainingState) -> None:
        """Keep a training state, whole or not at all, in place of the one before."""

    def save_predictions(self, trial_id: str, probabilities: NDArray[Any]) -> None:
        """Keep validation probabilities, float32 [n, classes]."""


@dataclass(frozen=True)
class RunFolderStorage:
    """The files of a run on this machine.

    Attributes:
        run: the run's folder.
    """

    run: RunFolder

    def load_state(self, trial_id: str) -> TrainingState | None:
        """Read it; a broken file is renamed, with a warning, and counts as none."""
        return TrainingState.load(self.run.checkpoint(trial_id))

    def save_state(self, trial_id: str, state: TrainingState) -> None:
        """Write `checkpoints/<trial>.npz`."""
        state.save(self.run.checkpoint(trial_id))

    def save_predictions(self, trial_id: str, probabilities: NDArray[Any]) -> None:
        """Write `trials/<trial>.npy`."""
        write_array(self.run.predictions(trial_id), probabilities)
