"""Measure what a configuration takes on this machine, before a search is planned."""

import itertools
import time
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from search.process.machine.memory import released_graphs
from search.run_folder.records import Values
from search.trial.experiment import Experiment
from search.trial.features.cache import BATCH
from search.trial.features.head_training import SPATIAL_VIEWS, HeadTraining
from search.trial.model_cache import ModelCache
from search.trial.training import Training

BUILDING_SECONDS = 3.0  # of a probe's network
IMAGES = 96  # a few steps: enough to tell seconds from minutes


@dataclass(frozen=True)
class StepTime:
    """Seconds that a configuration takes.

    Attributes:
        first: before its first step: it is built and traced.
        features: per image and view, of the part that stays frozen; 0 where nothing does.
        image: per image and epoch, of what is trained.
    """

    first: float
    features: float
    image: float

    def seconds(self, images: int, epochs: int) -> float:
        """Estimate the seconds of a training."""
        views = min(epochs, SPATIAL_VIEWS)
        return self.first + images * (views * self.features + epochs * self.image)


def measure(experiment: Experiment, values: Values, images: int = IMAGES) -> StepTime:
    """Train a configuration on a few images, for three epochs.

    The features of its frozen part are kept as those of any trial; what they take is measured
    apart, since they may be there already.

    Args:
        experiment: the run.
        values: of the configuration.
        images: to train on.
    """
    part = experiment.part(images)
    with released_graphs():
        training = ModelCache().training(part, values, 0, lambda done, total: None)
        # A head that is solved first takes a network of its own, and is no part of a step.
        training = replace(training, start=None)
        features = _feature_seconds(training)
        began = time.monotonic()
        if training.solved:
            return StepTime(first=BUILDING_SECONDS, features=features, image=0.0)
        model = training.build()
        training.compile(model)
        ends = _EpochEnds()
        training.fit(model, initial_epoch=0, epochs=3, callbacks=[ends])
    first, _, third = (after - before for before, after in itertools.pairwise([began, *ends.times]))
    # Before the first epoch all views are made.
    others = third + SPATIAL_VIEWS * features * len(part.train)
    return StepTime(max(first - others, 0.0), features, third / len(part.train))


def _feature_seconds(training: Training) -> float:
    """Seconds per image of the frozen part; 0 where there is none."""
    if not isinstance(training, HeadTraining):
        return 0.0
    cache = training.feature_cache
    rows = np.resize(training.rows, BATCH)
    images = training.experiment.pixels[rows]
    cache.compute(images)  # traced
    began = time.monotonic()
    np.asarray(cache.compute(images))
    return (time.monotonic() - began) / BATCH


class _EpochEnds(keras.callbacks.Callback):
    """Notes when each epoch ended, in seconds. One call of `fit`: each sets up a stream anew."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keras's hook; the logs are numbers, so that a GPU has done all steps."""
        self.times.append(time.monotonic())
