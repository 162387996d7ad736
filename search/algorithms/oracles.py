"""Random search and Bayesian search."""

from typing import Any

import numpy as np
from keras_tuner.oracles import BayesianOptimizationOracle, RandomSearchOracle

from search.algorithms.base import DurableOracle
from search.algorithms.race import is_raced


class RandomOracle(DurableOracle, RandomSearchOracle):
    """Random search (Bergstra & Bengio 2012, JMLR 13)."""


class BayesianOracle(DurableOracle, BayesianOptimizationOracle):
    """Gaussian process with an upper confidence bound, KerasTuner's own."""

    def propose(self, trial_id: str) -> dict[str, Any]:
        """Propose as KerasTuner does, and the same in a resumed search as in one without a stop.

        KerasTuner's random state is not in its saved state, so it is made anew for each trial.
        """
        self._random_state = np.random.RandomState((self.seed + len(self.trials)) % 2**32)
        proposal = super().propose(trial_id)
        # A point that the model favours may break a limit; a random one takes its place.
        if not proposal.get("values") or self.allowed(proposal["values"]):
            return proposal
        values = self._random_values()
        return {"status": "STOPPED" if values is None else "RUNNING", "values": values}

    def _vectorize_trials(self) -> Any:
        """Leave out the race of backbones, whose probes have no place in the space."""
        everything, self.trials = (
            self.trials,
            {
                trial_id: trial
                for trial_id, trial in self.trials.items()
                if not is_raced(trial.hyperparameters.values)
            },
        )
        try:
            return super()._vectorize_trials()
        finally:
            self.trials = everything
