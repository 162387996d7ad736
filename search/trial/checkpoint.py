"""Save and load the training state of a trial: all variables, and what the next epoch needs.

Keras's own `save_weights` skips optimizer variables that are not built yet when they are
loaded, which is how KerasTuner's promoted trials lose theirs.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.errors import TuneError
from search.process.atomic_files import NO_ARRAY, move_broken_file, write_arrays
from search.run_folder.records import Logs


@dataclass
class TrainingState:
    """A trial between two epochs.

    Attributes:
        epoch: epochs done so far, counted from the configuration's first.
        phase: which part was trained (see `ImageClassifier.phase_starts`).
        weights: arrays in the order of `model.variables` (seed states of dropout among them).
        optimizer: arrays in the order of `optimizer.variables`.
        history: metrics of the epochs of this trial so far.
        predictions: validation probabilities at the trial's best epoch, or None.
        steps: of an epoch; None where an older version wrote it.
    """

    epoch: int
    phase: int
    weights: list[NDArray[Any]]
    optimizer: list[NDArray[Any]]
    history: list[Logs] = field(default_factory=list)
    predictions: NDArray[Any] | None = None
    steps: int | None = None

    def save(self, path: Path) -> None:
        """Write it whole or not at all (npz, no pickles)."""
        arrays = {f"weight{number}": array for number, array in enumerate(self.weights)}
        arrays |= {f"optimizer{number}": array for number, array in enumerate(self.optimizer)}
        if self.predictions is not None:
            arrays["predictions"] = self.predictions
        about = {
            "epoch": self.epoch,
            "phase": self.phase,
            "history": self.history,
            "steps": self.steps,
            "weights": len(self.weights),
            "optimizer": len(self.optimizer),
        }
        write_arrays(path, about=np.frombuffer(json.dumps(about).encode(), np.uint8), **arrays)

    @classmethod
    def load(cls, path: Path) -> "TrainingState | None":
        """Read it back; None where there is none, or only a broken one, which is set aside."""
        if not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as file:
                about = json.loads(file["about"].tobytes())
                return cls(
                    epoch=about["epoch"],
                    phase=about["phase"],
                    weights=[file[f"weight{number}"] for number in range(about["weights"])],
                    optimizer=[file[f"optimizer{number}"] for number in range(about["optimizer"])],
                    history=about["history"],
                    predictions=file.get("predictions"),
                    steps=about.get("steps"),
                )
        except NO_ARRAY as error:
            move_broken_file(path, f"broken training state ({error})")
            return None

    @staticmethod
    def epoch_of(path: Path) -> int:
        """Epochs that a checkpoint holds, without reading its weights; 0 where there is none."""
        try:
            with np.load(path, allow_pickle=False) as file:
                return int(json.loads(file["about"].tobytes())["epoch"])
        except NO_ARRAY:
            return 0


def capture(model: Any, **about: Any) -> TrainingState:
    """Copy a compiled model's state."""
    return TrainingState(
        weights=[np.array(variable) for variable in model.variables],
        optimizer=[np.array(variable) for variable in model.optimizer.variables],
        **about,
    )


def restore_weights(model: Any, state: TrainingState) -> None:
    """Put a state's weights and seed states into a model of the same configuration."""
    _assign(model.variables, state.weights)


def restore_optimizer(model: Any, state: TrainingState) -> None:
    """Put a state's optimizer variables into a compiled model, building them first."""
    # Keras makes the optimizer's variables at the first step only, unless told to. One that scales
    # the loss would make its own a second time.
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    _assign(model.optimizer.variables, state.optimizer)


def _assign(variables: list[Any], arrays: list[NDArray[Any]]) -> None:
    if [tuple(v.shape) for v in variables] != [array.shape for array in arrays]:
        raise TuneError("training state does not fit the model: made by another version of tune?")
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
