"""Measure what a configuration takes on this machine, before a search is planned."""

import time
from dataclasses import dataclass, replace

from search.process.memory import released_graphs
from search.run_folder.records import Values
from search.trial.experiment import Experiment
from search.trial.head_training import SPATIAL_VIEWS
from search.trial.model_cache import ModelCache
from search.trial.training import Training

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


def measure(experiment: Experiment, values: Values) -> StepTime:
    """Train a configuration on a few images, for three epochs.

    The features of its frozen part are kept as those of any trial.

    Args:
        experiment: the run.
        values: of the configuration.
    """
    part = experiment.part(IMAGES)
    with released_graphs():
        began = time.monotonic()
        training = ModelCache().training(part, values, 0, lambda done, total: None)
        # A head that is solved first takes a network of its own, and is no part of a step.
        training = replace(training, start=None)
        model = training.build()
        training.compile(model)
        marks = [began, *(_after(training, model, epoch) for epoch in range(3))]
    first, second, third = (after - before for before, after in zip(marks, marks[1:], strict=False))
    # The first epoch sees the plain images, the second those turned round, the third none anew.
    new = max(second - third, 0.0)
    return StepTime(max(first - second, 0.0), new / len(part.train), third / len(part.train))


def _after(training: Training, model: object, epoch: int) -> float:
    """When an epoch has been trained."""
    training.fit(model, initial_epoch=epoch, epochs=epoch + 1, callbacks=[])
    return time.monotonic()
