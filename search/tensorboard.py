"""TensorBoard's view of a search: one run a configuration, however many rungs it went through."""

from typing import Any

import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from search.experiment import Experiment
from search.messages import Progress
from search.metrics import confusion_matrix
from search.pictures import confusion_picture, side_by_side
from search.records import TrialRecord, best_first, load_records
from search.training import Training, configuration_seed

BEST = "best"  # tag of the objective's best value so far, by which HParams ranks
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
    """Observer that writes scalars per epoch, HParams, pictures and the best confusion matrix."""

    def __init__(self, experiment: Experiment, space: Any):
        self.experiment = experiment
        self.folder = experiment.run.tensorboard
        self.writers: dict[str, Any] = {}
        self.running: dict[str, TrialRecord] = {}
        self.augmentation_shown = False
        with self._writer("pictures").as_default():
            hparams.hparams_config(
                hparams=[_hparam(parameter) for parameter in unique_parameters(space)],
                metrics=[
                    hparams.Metric(BEST, display_name=f"best {experiment.config.objective}"),
                    *(hparams.Metric(tag) for tag in ("accuracy/validation", "auc/validation")),
                ],
            )

    def trial_started(self, record: TrialRecord) -> None:
        """The configuration's values, once; pictures for the first that is augmented."""
        self.running[record.trial_id] = record
        with self._writer(record.configuration).as_default():
            if record.rung == 0:
                hparams.hparams(record.values, trial_id=record.configuration)
        if not self.augmentation_shown:
            self._show_augmentation(record)

    def progress(self, progress: Progress) -> None:
        """Scalars at the end of an epoch; steps are epochs, counted from 1."""
        if progress.logs is None:
            return
        record = self.running[progress.trial_id]
        objective = self.experiment.config.objective
        with self._writer(record.configuration).as_default():
            for name, value in progress.logs.items():
                if name in _TAGS:
                    tf.summary.scalar(_TAGS[name], value, step=progress.epoch + 1)
            tf.summary.scalar(BEST, progress.logs[objective], step=progress.epoch + 1)

    def trial_finished(self, record: TrialRecord) -> None:
        """The best value last, so that HParams shows it; a confusion matrix if it leads now."""
        self.running.pop(record.trial_id, None)
        records = load_records(self.experiment.run)
        mine = [r for r in records if r.configuration == record.configuration]
        best = best_first(mine, self.experiment.config.direction)[0]
        writer = self._writer(record.configuration)
        if best.score is not None:
            with writer.as_default():
                tf.summary.scalar(BEST, best.score, step=record.epochs)
        writer.close()
        self.writers.pop(record.configuration)
        leader = best_first(records, self.experiment.config.direction)[0]
        if leader.trial_id == record.trial_id and leader.score is not None:
            self._show_confusion(record)

    def _writer(self, name: str) -> Any:
        if name not in self.writers:
            self.writers[name] = tf.summary.create_file_writer(str(self.folder / name))
        return self.writers[name]

    def _show_augmentation(self, record: TrialRecord) -> None:
        """Pictures as they are (left) and as this configuration sees them (right), if augmented."""
        seed = configuration_seed(self.experiment.config.seed, record.configuration)
        training = Training(self.experiment, record.values, rows=self.experiment.train, seed=seed)
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
            rows=self.experiment.train,
            seed=seed,
        )
        before = np.asarray(next(iter(plain.batches(0, 1)))[0])
        after = np.asarray(next(iter(training.batches(0, 1)))[0])
        picture = side_by_side(before[:16], after[:16])
        with self._writer("pictures").as_default():
            tf.summary.image(
                "training pictures, before and after augmentation", picture[None], step=0
            )

    def _show_confusion(self, record: TrialRecord) -> None:
        path = self.experiment.run.predictions(record.trial_id)
        targets = self.experiment.targets[self.experiment.validation]
        matrix = confusion_matrix(np.load(path, allow_pickle=False), targets)
        picture = confusion_picture(matrix, self.experiment.labels)
        with self._writer("pictures").as_default():
            tf.summary.image(
                "confusion matrix of the best", picture[None], step=int(record.trial_id)
            )


def unique_parameters(space: Any) -> list[Any]:
    """The space's hyperparameters, those declared in several scopes once."""
    return list({parameter.name: parameter for parameter in space.space}.values())


def _hparam(parameter: Any) -> Any:
    """KerasTuner's hyperparameter as HParams' domain, so that the page can filter and sort."""
    config = parameter.get_config()
    if "values" in config:
        values = config["values"]
        if all(isinstance(value, bool) for value in values):
            return hparams.HParam(parameter.name, hparams.Discrete(values, dtype=bool))
        return hparams.HParam(parameter.name, hparams.Discrete(values))
    if "min_value" in config:
        low, high = config["min_value"], config["max_value"]
        interval = hparams.IntInterval if isinstance(low, int) else hparams.RealInterval
        return hparams.HParam(parameter.name, interval(low, high))
    if parameter.__class__.__name__ == "Boolean":
        return hparams.HParam(parameter.name, hparams.Discrete([False, True], dtype=bool))
    return hparams.HParam(parameter.name)
