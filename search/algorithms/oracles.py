"""Random search and Bayesian search."""

from keras_tuner.oracles import RandomSearchOracle

from search.algorithms.base import DurableOracle
from search.algorithms.learning import LearningOracle


class RandomOracle(DurableOracle, RandomSearchOracle):
    """Random search (Bergstra & Bengio 2012, JMLR 13)."""


class BayesianOracle(LearningOracle, RandomSearchOracle):
    """Each configuration is drawn where earlier ones were good (`search.algorithms.sampler`)."""
