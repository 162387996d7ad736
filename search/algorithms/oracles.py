"""Random search and Bayesian search."""

from keras_tuner.oracles import RandomSearchOracle

from search.algorithms.base import DurableOracle
from search.algorithms.race import is_raced
from search.algorithms.sampler import Seen, draw
from search.run_folder.records import Values

_SEED_STEP = 1_000_003  # between the seeds of two trials; a prime, so that no two draws share one


class RandomOracle(DurableOracle, RandomSearchOracle):
    """Random search (Bergstra & Bengio 2012, JMLR 13)."""


class BayesianOracle(DurableOracle, RandomSearchOracle):
    """Each configuration is drawn where earlier ones were good (`search.algorithms.sampler`)."""

    def draw(self, number: int) -> Values | None:
        """Draw values by the model of what was seen; at random where these were tried already."""
        seed = (self.seed + _SEED_STEP * (len(self.trials) + 1) + number) % 2**32
        values = draw(self.hyperparameters, self._seen(), full=1, seed=seed)
        return super().draw(number) if self._duplicate(values) else values

    def _seen(self) -> list[Seen]:
        sign = 1.0 if self.objective.direction == "max" else -1.0
        return [
            Seen(
                trial.hyperparameters.values,
                sign * trial.score if self.useful(trial_id) else None,
                epochs=1,
            )
            for trial_id, trial in self.trials.items()
            if trial.status in ("COMPLETED", "FAILED")
            and not is_raced(trial.hyperparameters.values)
        ]
