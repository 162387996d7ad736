"""The search algorithms by name. A new one is one file and one line in `ORACLES`."""

from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.oracles import BayesianOptimizationOracle, RandomSearchOracle

from search.algorithms.base import DurableOracle
from search.algorithms.hyperband import HyperbandOracle
from search.errors import TuneError
from search.run_folder.config import RunConfig
from search.run_folder.records import Values


class RandomOracle(DurableOracle, RandomSearchOracle):
    """Random search (Bergstra & Bengio 2012, JMLR 13)."""


class BayesianOracle(DurableOracle, BayesianOptimizationOracle):
    """Gaussian process with an upper confidence bound, KerasTuner's own."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """As KerasTuner's, but a resumed search proposes what an uninterrupted one would.

        KerasTuner's random state is not in its saved state, so it is made anew for each trial.
        """
        self._random_state = np.random.RandomState((self.seed + len(self.trials)) % 2**32)
        return super().populate_space(trial_id)


ORACLES: dict[str, type[DurableOracle]] = {
    "bayesian": BayesianOracle,
    "hyperband": HyperbandOracle,
    "random": RandomOracle,
}


def make_oracle(
    config: RunConfig,
    space: keras_tuner.HyperParameters,
    *,
    baselines: list[Values],
    directory: Path,
) -> DurableOracle:
    """The oracle of a run, reloaded where its project folder holds a state.

    Raises:
        TuneError: the algorithm needs a package that is not installed, or the state is broken.
    """
    budget: dict[str, Any] = {"max_trials": config.max_trials}
    if config.algo == "hyperband":
        budget = {
            "max_epochs": config.max_epochs,
            "factor": config.factor,
            "hyperband_iterations": config.hyperband_iterations,
        }
    try:
        oracle = ORACLES[config.algo](
            baselines=baselines,
            seed=config.seed,
            directory=directory,
            objective=keras_tuner.Objective(config.objective, config.direction),
            hyperparameters=space,
            **budget,
        )
    except ImportError as error:
        raise TuneError(
            f"--algo {config.algo} needs packages that are not installed ({error}); "
            f"install them with: pip install 'image-tune[{config.algo}]'"
        ) from error
    if (directory / "oracle" / "oracle.json").exists():
        oracle.reload()
    return oracle
