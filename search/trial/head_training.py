"""Train a head on the cached features of a frozen backbone, in place of the whole model."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from data_pipeline.pixels.dataset import feature_batches
from models.families.head import Dropout, plain_dropout
from search.process.progress import Update
from search.trial.feature_cache import FeatureCache, views_of
from search.trial.training import Training, predict_rows

LONGEST_EXECUTION = 200  # steps between two chances to report and to stop; milliseconds each


@dataclass(frozen=True)
class HeadTraining(Training):
    """A transfer configuration whose backbone stays frozen.

    Its score is on the plain features of the images to validate on: what the whole model
    would have.

    Attributes:
        feature_cache: the backbone's features.
        update: told while features are computed.
    """

    feature_cache: FeatureCache
    update: Update

    def build(self, *, dropout: Dropout = plain_dropout) -> Any:
        """A new head; the same seed gives the same initial weights."""
        # Before the seed is set: it may build a backbone, which draws random numbers too.
        num_features = self.feature_cache.about["num_features"]
        keras.utils.set_random_seed(self.seed)
        return self.experiment.classifier.build_head(
            self.hyperparameters(), num_features=num_features, dropout=dropout
        )

    @property
    def input_dtype(self) -> str:
        """Number type of the batches."""
        return "float32"

    @property
    def steps_per_execution(self) -> int:
        """As many as divide an epoch: Python between two steps would take most of the time."""
        return max(n for n in range(1, LONGEST_EXECUTION + 1) if self.steps % n == 0)

    def batches(self, initial_epoch: int, epochs: int) -> Any:
        """Training batches of these epochs, (features, labels), as one `tf.data.Dataset`."""
        views = views_of(self.values)
        needed = {epoch % len(views) for epoch in range(initial_epoch, epochs)}
        made = {n: self.feature_cache.training(views[n], self.update) for n in sorted(needed)}
        # `feature_batches` wants every view: any array stands in for those that no epoch uses.
        unused = next(iter(made.values()))
        return feature_batches(
            [made.get(number, unused) for number in range(len(views))],
            batch_size=self.batch_size,
            seed=self.seed,
            initial_epoch=initial_epoch,
            epochs=epochs,
        )

    def validate(self, model: Any) -> NDArray[np.float32]:
        """Class probabilities of the images to validate on, float32 [n, classes]."""
        features = self.feature_cache.plain(self.update)
        return predict_rows(model, features, np.arange(len(self.experiment.train), len(features)))

    def whole(self, model: Any) -> Any:
        """The whole model: the backbone, and on it the head that was trained."""
        classifier = self.experiment.classifier.build(self.hyperparameters())
        classifier.get_layer("head").set_weights(model.get_weights())
        return classifier

    def parameters(self, model: Any) -> int:
        """Number of weights, the backbone's among them."""
        return int(model.count_params()) + self.feature_cache.about["parameters"]
