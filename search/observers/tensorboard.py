"""Write a search for TensorBoard: one run per configuration, through all its rungs."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from models.describe import describe
from search.evaluation.metrics import confusion_matrix
from search.evaluation.objective import OBJECTIVES
from search.observers.failing_log import while_it_can
from search.observers.hparams import (
    BEST,
    SECONDS,
    WEIGHTS,
    hyperparameter_columns,
    metric_columns,
    row,
)
from search.observers.plots import confusion_image, side_by_side
from search.run_folder.config import objective_of
from search.run_folder.data import load_predictions
from search.run_folder.ranking import best_first, configuration_history
from search.run_folder.record_files import load_records
from search.run_folder.records import COMPLETED, Logs, TrialRecord
from search.trial.experiment import Experiment, Rows
from search.trial.keras_setup import configuration_seed
from search.trial.messages import Progress
from search.trial.training import Training

IMAGES = "pictures"  # run of what belongs to no configuration
SHOWN_OF = 256  # images to train on, spread over all, of which a batch is shown
_TAGS = {
    "loss": "loss/train",
    "val_loss": "loss/validation",
    "accuracy": "accuracy/train",
    "val_accuracy": "accuracy/validation",
    "val_auc": "auc/validation",
    "val_top5": "top5/validation",
    "learning_rate": "learning_rate",
}


class TensorBoardLog:
    """Write scalars per epoch, HParams, images and the best confusion matrix, as an observer."""

    def __init__(self, experiment: Experiment, space: Any):
        self.experiment = experiment
        self.folder = experiment.run.tensorboard
        self.writers: dict[str, Any] = {}
        # Read once: reading all records after each trial would take longer with every trial.
        self.records = {record.trial_id: record for record in load_records(experiment.run)}
        self.names: dict[str, str] = {}  # of the runs in TensorBoard, by configuration
        self.best: dict[str, Logs] = {}  # of the configurations that are running
        self.augmentation_shown = self.failed = False
        self._write_columns(space)

    @while_it_can
    def _write_columns(self, space: Any) -> None:
        with self._writing(IMAGES):
            hparams.hparams_config(
                hparams=hyperparameter_columns(space),
                metrics=metric_columns(self.experiment.config.objective),
            )

    @while_it_can
    def trial_started(self, record: TrialRecord) -> None:
        """Write the configuration's values once, and images of the first augmented one."""
        self.records[record.trial_id] = record
        self.names[record.configuration] = run_name(self.folder, record)
        before = configuration_history(self._in_order(), record.configuration)
        self.best[record.configuration] = self._best_epoch(before)
        title = record.title
        with self._writing(self.names[record.configuration]):
            if record.parent is None:  # some of a race begin in a later rung
                hparams.hparams(row(record.values), trial_id=title)
        if not self.augmentation_shown:
            self._show_augmentation(record)

    @while_it_can
    def progress(self, progress: Progress) -> None:
        """Write scalars at the end of an epoch; steps are epochs, counted from 1."""
        if progress.logs is None:
            return
        record, step = self.records[progress.trial_id], progress.epoch + 1
        best = self._best_epoch([self.best[record.configuration], progress.logs])
        self.best[record.configuration] = best
        with self._writing(self.names[record.configuration]):
            for name in _TAGS.keys() & progress.logs.keys():
                tf.summary.scalar(_TAGS[name], progress.logs[name], step=step)
            for name in best.keys() & OBJECTIVES.keys():
                tf.summary.scalar(f"{BEST}/{name}", best[name], step=step)

    @while_it_can
    def trial_finished(self, record: TrialRecord) -> None:
        """Write the cost of a trial, and a confusion matrix if it is the best now."""
        self.records[record.trial_id] = record
        self.best.pop(record.configuration, None)
        records = self._in_order()
        self._write_cost(record, [r for r in records if r.configuration == record.configuration])
        # A stopped trial has a score, but writes its predictions only when it ends.
        ended = [r for r in records if r.status == COMPLETED]
        leader = best_first(ended, objective_of(self.experiment.config))[:1]
        if [best.trial_id for best in leader] == [record.trial_id] and record.score is not None:
            self._show_confusion(record)

    def _write_cost(self, record: TrialRecord, rungs: list[TrialRecord]) -> None:
        name = self.names[record.configuration]
        step = max((int(logs["epoch"]) + 1 for r in rungs for logs in r.history), default=0)
        with self._writing(name):
            tf.summary.scalar(SECONDS, sum(r.seconds for r in rungs), step=step)
            if record.parameters is not None:
                tf.summary.scalar(WEIGHTS, record.parameters, step=step)
        self.writers.pop(name).close()

    def _in_order(self) -> list[TrialRecord]:
        return [self.records[name] for name in sorted(self.records)]

    def _best_epoch(self, history: list[Logs]) -> Logs:
        return objective_of(self.experiment.config).best_epoch(history)

    def _writing(self, name: str) -> Any:
        """Open a context that writes summaries to a run of TensorBoard."""
        if name not in self.writers:
            self.writers[name] = tf.summary.create_file_writer(str(self.folder / name))
        return self.writers[name].as_default()

    def _show_augmentation(self, record: TrialRecord) -> None:
        """Show images before (left) and after augmentation (right), if there is any."""
        seed = configuration_seed(self.experiment.config.seed, record.configuration)
        rows = self._shown()
        training = Training(self.experiment, record.values, rows=rows, seed=seed)
        if training.augment() is None:
            return
        self.augmentation_shown = True
        plain = Training(
            self.experiment,
            {
                **record.values,
                "augmentation/strength": 0.0,
                "augmentation/erasing": 0.0,
                "augmentation/mix": "none",
                "augmentation/policy": "basic",
            },
            rows=rows,
            seed=seed,
        )
        with self.experiment.originals.naming_lost_files():
            before = np.asarray(next(iter(plain.batches(0, 1)))[0])
            after = np.asarray(next(iter(training.batches(0, 1)))[0])
        image = side_by_side(before[:16], after[:16])
        with self._writing(IMAGES):
            tf.summary.image("training images, before and after augmentation", image[None], step=0)

    def _shown(self) -> Rows:
        """Some images to train on, spread over all: the order of a million alone takes memory.

        Of those that are prepared, where there are any: to decode others takes more.
        """
        rows = self.experiment.train
        there = rows[rows < min(self.experiment.prepared().values())]
        rows = there if len(there) else rows
        return rows[:: max(1, len(rows) // SHOWN_OF)][:SHOWN_OF]

    def _show_confusion(self, record: TrialRecord) -> None:
        if record.images is not None:  # of a part of the images no predictions are kept
            return
        path = self.experiment.run.predictions(record.trial_id)
        targets = self.experiment.targets[self.experiment.validation]
        matrix = confusion_matrix(load_predictions(path), targets)
        image = confusion_image(matrix, self.experiment.class_names)
        with self._writing(IMAGES):
            tf.summary.image("confusion matrix of the best", image[None], step=int(record.trial_id))


def run_name(folder: Path, record: TrialRecord) -> str:
    """Return a configuration's number and kind of model, such as "0003 cnn 16 filters".

    TensorBoard's runs can be filtered and coloured by it. A resumed search continues in the folder
    that exists, even if an older version named it otherwise.
    """
    number = record.configuration
    begun = [path.name for path in folder.glob(f"{number}*") if path.name.split()[0] == number]
    return begun[0] if begun else f"{number} {describe(record.values).split(', ')[0]}"
