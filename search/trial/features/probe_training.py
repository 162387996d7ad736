"""Fit a probe: the last layer of a model on the cached features of a frozen backbone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.families.head import set_last_layer
from models.families.linear_probe import LastLayer, out_of_fold, solve
from search.evaluation.folds import deal_folds
from search.evaluation.metrics import prediction_metrics
from search.process.atomic_files import NO_ARRAY, write_shared_arrays
from search.run_folder.config import objective_of
from search.trial.checkpoint import TrainingState
from search.trial.features.cache import digest
from search.trial.features.head_training import HeadTraining
from search.trial.predictions import predict_rows

FOLDS = 5
ENOUGH = 1_000  # images to validate on that tell probes apart


_VERSION = 2  # raise it when layers come out differently: old files are then made anew


@dataclass(frozen=True)
class ProbeTraining(HeadTraining):
    """A probe: what other configurations reach in epochs is solved in one."""

    @property
    def batch_size(self) -> int:
        """All images: they are one step."""
        return len(self.rows)

    def solve(self) -> LastLayer:
        """Compute the features of the images to train on, and the last layer's weights.

        Both are kept: every configuration that is fine-tuned starts from them.
        """
        targets = self.experiment.targets[self.rows]
        classes = self.experiment.num_classes  # the last may have no image to train on
        name = digest(np.concatenate([self.rows, targets, [classes]]))
        path = self.feature_cache.folder / f"probe-{_VERSION}-{name}.npz"
        if path.exists() and (known := _read_layer(path)):
            return known
        features = self.feature_cache.plain(self.rows, self.update)[self.rows]
        layer = solve(features, targets, num_classes=classes)
        write_shared_arrays(path, **layer._asdict())
        return layer

    def cross_validated(self) -> float | None:
        """The objective out of fold, on the images to train and to validate on.

        Of probes whose validation accuracy differs by chance this finds the better ones. None
        where there are enough images to validate on, or they were given, as they may differ from
        those to train on.
        """
        experiment = self.experiment
        if experiment.groups is None or len(experiment.validation) >= ENOUGH:
            return None
        rows = np.sort(np.concatenate([self.rows, experiment.validation]))
        targets = experiment.targets[rows]
        seed = experiment.config.seed
        fold_of = deal_folds(targets, experiment.groups[rows], folds=FOLDS, seed=seed)
        features = self.feature_cache.plain(rows, self.update)[rows]
        predictions = out_of_fold(features, targets, fold_of, num_classes=experiment.num_classes)
        return objective_of(experiment.config).from_predictions(predictions, targets)

    def compile(self, model: Any, phase: int = 0) -> None:
        """Do nothing: no step is taken."""

    def adjust(self, model: Any) -> None:
        """Do nothing: no number of it is searched."""

    def fit(
        self,
        model: Any,
        *,
        initial_epoch: int,
        epochs: int,
        state: TrainingState | None = None,
        callbacks: list[Any],
    ) -> None:
        """Solve, which counts as the one epoch that a probe has."""
        for callback in callbacks:
            callback.set_model(model)
            callback.on_epoch_begin(initial_epoch)
        set_last_layer(model, *self.solve())
        # Known by now: what is computed for the images to validate on is reported as before. Who is
        # trained again has none: its features may not be there.
        if len(self.experiment.validation):
            self.feature_cache.plain(self.experiment.validation, self.update)
        features = self.feature_cache.plain(self.rows, self.update)
        predictions = predict_rows(model, features, self.rows)
        metrics = prediction_metrics(predictions, self.experiment.targets[self.rows])
        logs = {name: metrics[name] for name in ("loss", "accuracy")}
        for callback in callbacks:
            callback.on_train_batch_end(0, logs)
            callback.on_epoch_end(initial_epoch, logs)


def _read_layer(path: Path) -> LastLayer | None:
    """Read what was solved before; None where the file is damaged."""
    try:
        with np.load(path, allow_pickle=False) as layer:
            return LastLayer(layer["kernel"], layer["bias"])
    except NO_ARRAY:
        return None
