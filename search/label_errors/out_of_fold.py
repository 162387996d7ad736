"""Predict every image by models that were not trained on it.

Each of K models is trained on all folds but one and asked about that one, so that no image is
judged by a model that saw its label. Where the run has a frozen backbone, only heads are trained,
on its cached features, and that takes seconds; else the best configuration is trained K times.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.families.linear_probe import LastLayer
from models.families.registry import family_named
from search.errors import TuneError
from search.evaluation.folds import Rows, deal_folds
from search.process.progress import Task, Update
from search.process.stop_signal import StopSignal
from search.run_folder.config import objective_of
from search.run_folder.ranking import best_first, no_result
from search.run_folder.record_files import load_records
from search.run_folder.records import TrialRecord
from search.trial.effective_values import effective_values
from search.trial.experiment import Experiment
from search.trial.features.head_training import HeadTraining
from search.trial.keras_setup import configuration_seed
from search.trial.model_cache import ModelCache
from search.trial.predictions import predict_rows
from search.trial.retrain import DivergedError, train_epochs
from search.trial.training import Training

# Times that the images are dealt anew, where only heads are trained; their mean is what counts.
# Of 40 flipped labels among 2,000 the first 80 suspects held 35 with one, 37 with three to ten.
HEAD_REPEATS = 3
_DIVERGED = "a training diverged: its loss is no longer a number; try another number of --folds"


@dataclass(frozen=True)
class Judge:
    """The configuration whose models are asked.

    Attributes:
        record: its best rung.
        on_features: whether only its head is trained.
    """

    record: TrialRecord
    on_features: bool

    @property
    def repeats(self) -> int:
        """How often the images are dealt into folds."""
        return HEAD_REPEATS if self.on_features else 1


def choose_judge(experiment: Experiment) -> Judge:
    """Choose the best configuration with a frozen backbone, or the best of all if none has one.

    Raises:
        TuneError: no trial has a result.
    """
    records = load_records(experiment.run)
    ranked = best_first(records, objective_of(experiment.config))
    scored = [record for record in ranked if record.score is not None]
    if not scored:
        raise no_result(experiment.run, records)
    heads = [record for record in scored if _is_head(experiment, record)]
    return Judge((heads or scored)[0], on_features=bool(heads))


def _is_head(experiment: Experiment, record: TrialRecord) -> bool:
    """Tell whether a backbone is frozen as a whole, so that a training takes a second."""
    fine_tuned = family_named(str(record.values["family"])).probe(record.values) is not None
    training = Training(experiment, record.values, rows=experiment.train, seed=0)
    hp = training.hyperparameters()
    return not fine_tuned and bool(experiment.classifier.has_fixed_features(hp))


def out_of_fold(
    experiment: Experiment,
    judge: Judge,
    groups: Rows,
    *,
    folds: int,
    stop: StopSignal,
    task: Task,
) -> NDArray[np.float32]:
    """Predict class probabilities of every image of the run, float32 [n, classes].

    The test images are judged too: their labels may be as wrong. Nothing is chosen by the
    result, so that the test of an exported model stays as honest as it was.

    Args:
        experiment: the run.
        judge: the configuration to train.
        groups: int64 [n], equal for copies of one image: they stay in one fold.
        folds: K.
        stop: asked whether to stop.
        task: told how far all trainings are.

    Raises:
        KeyboardInterrupt: told to stop.
        TuneError: a training diverged.
    """
    training = _prepared(experiment, judge, stop, task)
    rounds = list(_rounds(experiment, judge, groups, folds))
    # One cache for all: tracing a training step takes seconds, and the models have one shape.
    cache, total = ModelCache(), np.zeros((len(training.inputs), experiment.num_classes))
    for number, (trained, held, seed) in enumerate(rounds):

        def steps(done: int, total: int, number: int = number) -> None:
            models = number + done / total
            task.update(models, len(rounds), f"model {number + 1} of {len(rounds)}")

        of_fold = replace(training, rows=trained, seed=seed, start=_start(training, trained))
        model = _trained(of_fold, cache, judge.record.epochs_to_best, steps, stop)
        total[held] += _finite(predict_rows(model, training.inputs, held))
    return (total / judge.repeats).astype(np.float32)


def _start(training: Training, trained: Rows) -> Callable[[], LastLayer] | None:
    """What a fine-tuned model starts from: a probe of the images that it is trained on alone."""
    if training.start is None:
        return None
    experiment = replace(training.experiment, train=trained)
    of_fold = ModelCache().training(experiment, training.values, training.seed, _untold)
    return of_fold.start


def _untold(done: int, total: int) -> None:
    """Take what is done of a probe's features, which are there already."""


def _finite(predictions: NDArray[np.float32]) -> NDArray[np.float32]:
    if not np.isfinite(predictions).all():
        raise TuneError(_DIVERGED)
    return predictions


def _trained(
    training: Training, cache: ModelCache, epochs: int, update: Update, stop: StopSignal
) -> Any:
    model = cache.model(training)
    try:
        train_epochs(training, model, epochs=epochs, update=update, stop=stop)
    except DivergedError as error:
        raise TuneError(_DIVERGED) from error
    return model


def _prepared(experiment: Experiment, judge: Judge, stop: StopSignal, task: Task) -> Training:
    """Prepare how the judge is trained; its features are computed once, for all folds."""

    def update(done: int, total: int) -> None:
        stop.raise_if_requested()
        task.update(done, total, "computing features")

    # Rows and seed stand for those of each model, which `out_of_fold` puts in their place.
    values, seed = effective_values(judge.record), experiment.config.seed
    training = ModelCache().training(experiment, values, seed, update)
    if not isinstance(training, HeadTraining):
        return training
    everyone = np.arange(len(experiment.targets))
    features = training.feature_cache.plain(everyone, update)
    if training.solved:
        return replace(training, rows=everyone)  # whose inputs are then there
    if not judge.on_features:
        return training
    known = {each.name: getattr(training, each.name) for each in fields(training)}
    return OnFeatures(**known, features=features)


def _rounds(
    experiment: Experiment, judge: Judge, groups: Rows, folds: int
) -> Iterator[tuple[Rows, Rows, int]]:
    """Yield for every model the rows to train on, the rows to ask it about, and its seed.

    All train on equally many rows, the first ones twice where a fold is larger: what is compiled
    for the steps of one then serves all.
    """
    for repeat in range(judge.repeats):
        seed = configuration_seed(experiment.config.seed, judge.record.configuration, repeat)
        fold_of = deal_folds(experiment.targets, groups, folds=folds, seed=seed)
        most = len(fold_of) - np.bincount(fold_of).min()
        for fold in range(folds):
            trained, held = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
            yield np.resize(trained, most), held, seed


@dataclass(frozen=True)
class OnFeatures(HeadTraining):
    """A head, trained on the plain features of any rows.

    Attributes:
        features: float32 [n, features] of every image.
    """

    features: NDArray[np.float32]
    batches = Training.batches  # of one view, which is not augmented

    @property
    def inputs(self) -> NDArray[Any]:
        """Features, which take the place of images."""
        return self.features

    def augment(self) -> None:
        """Do nothing: features are not augmented."""
