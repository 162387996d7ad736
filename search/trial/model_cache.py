"""Compiled models and a feature cache that a process keeps for its next trials.

Tracing a training step takes seconds. Configurations of one architecture share it: the numbers
in which they differ are variables, and weights and optimizer are set to what a new model of the
trial's seed would have, so that a trial gives the very weights that it gives in a new process.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

from models.adjustable import adjustable_dropout
from search.process.progress import Update
from search.run_folder.records import Values
from search.trial.experiment import Experiment
from search.trial.feature_cache import FeatureCache
from search.trial.head_training import HeadTraining
from search.trial.training import Training

MAX_MODELS = 12  # kept at most: the trials of Hyperband's widest rung at max_epochs 9, and some


class ModelCache:
    """One process's store; empty at first, bounded, and of no influence on results."""

    def __init__(self) -> None:
        self.models: OrderedDict[Hashable, Any] = OrderedDict()
        self.feature_cache: FeatureCache | None = None

    def training(
        self, experiment: Experiment, values: Values, seed: int, update: Update
    ) -> Training:
        """How a configuration is trained: whole, or its head alone on cached features."""
        training = Training(experiment, values, rows=experiment.train, seed=seed)
        hp = training.hyperparameters()
        if not experiment.classifier.has_fixed_features(hp):
            return training
        feature_cache = FeatureCache(experiment, hp)
        if self.feature_cache is None or self.feature_cache.folder != feature_cache.folder:
            self.feature_cache = feature_cache
        return HeadTraining(
            experiment,
            values,
            rows=experiment.train,
            seed=seed,
            feature_cache=self.feature_cache,
            update=update,
        )

    def model(self, training: Training) -> Any:
        """A model as new, compiled if it has one phase; of a known architecture a traced one."""
        fresh = training.build(dropout=adjustable_dropout)
        architecture = training.architecture
        if architecture is None:
            return fresh
        known = self.models.pop(architecture, None)
        if known is None:
            training.compile(fresh)
        else:
            _renew(known, like=fresh)
            training.adjust(known)
        model = self.models[architecture] = known or fresh
        if len(self.models) > MAX_MODELS:
            self.models.popitem(last=False)
        return model

    def clear(self) -> None:
        """Forget all, after something went wrong in it."""
        self.models.clear()
        self.feature_cache = None


def _renew(model: Any, *, like: Any) -> None:
    """Set weights and seed states to those of a new model, and the optimizer to its start."""
    for variable, new in zip(model.variables, like.variables, strict=True):
        variable.assign(new)
    for variable in model.optimizer.variables:
        variable.assign(variable * 0)
