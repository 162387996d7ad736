"""Compiled models, features and images on a GPU that a process keeps for its next trials.

Tracing a training step takes seconds. Configurations of one architecture share it: the numbers
in which they differ are variables, and weights and optimizer are set to what a new model of the
trial's seed would have, so that a trial gives the very weights that it gives in a new process.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from data_pipeline.pixels.device_feed import DeviceFeed
from models.adjustable import adjustable_dropout
from models.families.registry import family_named
from search.process.machine.memory import forget_kernels
from search.process.progress import Update
from search.run_folder.records import Values
from search.trial.device_images import device_feed
from search.trial.experiment import Experiment
from search.trial.features.cache import FeatureCache
from search.trial.features.head_training import HeadTraining
from search.trial.features.joined import JoinedFeatures
from search.trial.features.probe_training import ProbeTraining
from search.trial.training import Training

MAX_MODELS = 12  # kept at most: the trials of Hyperband's widest rung at max_epochs 9, and some
MAX_KEPT_TRAININGS = 10  # between which kernels are kept: each stream adds 2 MB of them
MAX_FEATURE_CACHES = 8  # a backbone is kept with each: those of a race come again on each rung


class ModelCache:
    """One process's store; empty at first, bounded, and of no influence on results."""

    def __init__(self) -> None:
        self.models: OrderedDict[Hashable, Any] = OrderedDict()
        self.feature_caches: OrderedDict[Path, FeatureCache] = OrderedDict()
        self.feeds: dict[Path, DeviceFeed | None] = {}  # by the file of the images
        self.trainings = 0  # since kernels were forgotten

    def training(
        self, experiment: Experiment, values: Values, seed: int, update: Update
    ) -> Training:
        """How a configuration is trained: whole, or its rest alone on cached features.

        Args:
            experiment: the run, with any pixels.
            values: of the configuration.
            seed: of the training.
            update: told while features are computed.
        """
        experiment = experiment.seen_by(values)
        family = family_named(str(values["family"]))
        start = None
        if (probe := family.probe(values)) is not None:
            training = self.training(experiment, probe, seed, update)
            start = training.solve if isinstance(training, ProbeTraining) else None
        whole = Training(experiment, values, rows=experiment.train, seed=seed, start=start)
        if not experiment.classifier.has_fixed_features(whole.hyperparameters()):
            return replace(whole, feed=self._feed(experiment))
        kind = ProbeTraining if family.solved else HeadTraining
        return kind(
            **{each.name: getattr(whole, each.name) for each in fields(whole)},
            feature_cache=self._features(experiment, whole.hyperparameters()),
            update=update,
        )

    def _feed(self, experiment: Experiment) -> DeviceFeed | None:
        """The images for a GPU, copied there once; None without one."""
        path = experiment.files[experiment.image_size]
        if path not in self.feeds:
            held = sum(feed.nbytes for feed in self.feeds.values() if feed and feed.resident)
            self.feeds[path] = device_feed(experiment, held=held)
        return self.feeds[path]

    def _features(self, experiment: Experiment, hp: Any) -> FeatureCache:
        """The features of a configuration; its backbone is built only once where it is kept."""
        parts = [
            self._features(experiment, part) for part in experiment.classifier.features_parts(hp)
        ]
        if parts:  # these are kept
            return JoinedFeatures(experiment, hp, parts)
        feature_cache = FeatureCache(experiment, hp)
        kept = self.feature_caches.pop(feature_cache.folder, None)
        # The rows that are asked for may be others.
        if kept is not None:
            kept.experiment = experiment
        self.feature_caches[feature_cache.folder] = kept or feature_cache
        if len(self.feature_caches) > MAX_FEATURE_CACHES:
            self.feature_caches.popitem(last=False)
        return self.feature_caches[feature_cache.folder]

    def model(self, training: Training) -> Any:
        """A model as new, compiled if it has one phase; of a known architecture a traced one."""
        architecture = training.architecture
        self.trainings += 1
        if architecture not in self.models or self.trainings > MAX_KEPT_TRAININGS:
            forget_kernels()
            self.trainings = 1
        fresh = training.build(dropout=adjustable_dropout)
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
        self.feature_caches.clear()
        self.feeds.clear()


def _renew(model: Any, *, like: Any) -> None:
    """Set weights and seed states to those of a new model, and the optimizer to its start."""
    import keras

    for variable, new in zip(model.variables, like.variables, strict=True):
        variable.assign(new)
    for variable in model.optimizer.variables if model.compiled else ():  # one is solved
        variable.assign(keras.ops.zeros_like(variable))  # also where it has become NaN
