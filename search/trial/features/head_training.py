"""Train the rest of a model on the cached features of its frozen part."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_pipeline.pixels.dataset import feature_batches
from models.families.head import Dropout, plain_dropout, set_last_layer
from search.process.progress import Update
from search.trial.features.cache import FeatureCache
from search.trial.features.views import views_of
from search.trial.keras_setup import seed_weights
from search.trial.predictions import Told, nobody, predict_rows
from search.trial.training import Training

# Views of features that are maps, the plain and the flipped one at most: they take a hundred times
# the time and space of pooled ones.
SPATIAL_VIEWS = 2
LONGEST_EXECUTION = 200  # steps between two chances to report and to stop; milliseconds each


@dataclass(frozen=True)
class HeadTraining(Training):
    """A configuration of which a part stays frozen: a whole backbone, or all but its last layers.

    Its score is on the plain features of the images to validate on: what the whole model
    would have.

    Attributes:
        feature_cache: the frozen part's features.
        update: told while features are computed.
    """

    feature_cache: FeatureCache
    update: Update

    def build(self, *, dropout: Dropout = plain_dropout) -> Any:
        """The rest of the model, new; the same seed gives the same initial weights."""
        # Before the seed is set: both may build a backbone, which draws random numbers too.
        shape, start = self.feature_cache.shape, self.start and self.start()
        seed_weights(self.seed)
        rest = self.experiment.classifier.build_rest(
            self.hyperparameters(), shape=shape, dropout=dropout
        )
        if start:
            set_last_layer(rest, *start)
        return rest

    @property
    def inputs(self) -> NDArray[np.float32]:
        """Plain features, one row per image of the run, of which those of `rows` are there."""
        return self.feature_cache.plain(self.rows, self.update)

    @property
    def input_dtype(self) -> str:
        """Number type of the batches."""
        return "float32"

    @property
    def steps_per_execution(self) -> int:
        """As many as divide an epoch: Python between two steps would take most of the time.

        One where a backbone's layers are trained too: such a step takes far longer.
        """
        if len(self.feature_cache.shape) > 1:
            return 1
        return self.dividing_an_epoch(LONGEST_EXECUTION)

    def batches(self, initial_epoch: int, epochs: int) -> Any:
        """Training batches of these epochs, (features, labels), as one `tf.data.Dataset`."""
        views = views_of(self.values)
        if len(self.feature_cache.shape) > 1:
            views = [view for view in views if view.augmentation is None]
        needed = {epoch % len(views) for epoch in range(initial_epoch, epochs)}
        made = {
            number: self.feature_cache.training(views[number], self.rows, self.update)
            for number in sorted(needed)
        }
        # `feature_batches` wants every view: any array stands in for those that no epoch uses.
        unused = next(iter(made.values()))
        return feature_batches(
            [made.get(number, unused) for number in range(len(views))],
            self.rows,
            batch_size=self.batch_size,
            seed=self.seed,
            initial_epoch=initial_epoch,
            epochs=epochs,
        )

    def validate(self, model: Any, told: Told = nobody) -> NDArray[np.float32]:
        """Class probabilities of the images to validate on, float32 [n, classes]."""
        rows = self.experiment.validation
        return predict_rows(model, self.feature_cache.plain(rows, self.update), rows, told)

    def whole(self, model: Any) -> Any:
        """The whole model: the frozen part, and on it what was trained."""
        return self.experiment.classifier.assembled(self.hyperparameters(), model)

    def parameters(self, model: Any) -> int:
        """Number of weights, those of the frozen part among them."""
        return int(model.count_params()) + int(self.feature_cache.about["parameters"])
