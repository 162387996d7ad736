"""Train the best few configurations again over seeds, before one of them is believed.

The winner of a search is the best of many noisy scores, so part of its lead is luck. The best few
and the best known-good configuration of each family are trained again on the same images with
other seeds; `search.evaluation.bootstrap` then says which are as good as the leader. Trainings go
round by round, and what is clearly behind drops out of the next round. Each result is kept in the
run folder: an interrupted export goes on where it was, a second one trains nothing again.
"""

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.errors import TuneError
from search.evaluation.bootstrap import Comparison, comparisons
from search.evaluation.objective import AS_GOOD_WITHIN
from search.evaluation.shares import log_likelihoods
from search.process.atomic_files import write_array
from search.process.machine.memory import released_graphs
from search.process.progress import ProgressSink, Task
from search.process.stop_signal import StopSignal
from search.process.wording import counted, duration_in_words
from search.run_folder.config import objective_of
from search.run_folder.data import load_predictions
from search.run_folder.exported.finalist_rows import Ensemble
from search.run_folder.records import TrialRecord
from search.selection.candidates import is_solved
from search.selection.choosing_estimate import again_seconds, seconds_once_more
from search.trial.effective_values import effective_values
from search.trial.experiment import Experiment
from search.trial.keras_setup import configuration_seed
from search.trial.model_cache import ModelCache
from search.trial.retrain import DivergedError, train_epochs

TRAINING_AGAIN = "training the best again"  # what a task is called


@dataclass(frozen=True)
class Finalist:
    """A configuration that may be exported, and what was seen of it.

    Attributes:
        record: its best rung.
        baseline: whether the search began with it.
        predictions: for each training float32 [validation images, classes].
        comparison: with the best of them.
    """

    record: TrialRecord
    baseline: bool
    predictions: list[NDArray[np.float32]]
    comparison: Comparison


def train_again(
    experiment: Experiment,
    records: Sequence[TrialRecord],
    *,
    seeds: int,
    until: float = math.inf,
    stop: StopSignal,
    progress: ProgressSink,
    within: float = AS_GOOD_WITHIN,
) -> list[Finalist]:
    """Train each again, `seeds` times, and compare; what is clearly behind is trained less often.

    Args:
        experiment: the run.
        records: of the configurations.
        seeds: how often each, at most.
        until: of `time.monotonic`: no round is begun that would end later than this.
        stop: asked whether to stop.
        progress: told what is done.
        within: the margin of `comparisons`.

    Returns:
        Those that could be trained.

    Raises:
        KeyboardInterrupt: told to stop; what is done is kept.
    """
    seconds = {r.configuration: seconds_once_more(r, experiment) for r in records}
    _announce(records, experiment, seeds, progress)
    cache = ModelCache()  # of one shape with another seed: nothing is traced again
    trained: dict[str, list[NDArray[np.float32]]] = {r.configuration: [] for r in records}
    alive, finalists, done = list(records), [], 0.0
    with progress.task(TRAINING_AGAIN) as task:
        for number in range(1, seeds + 1):
            began, before = time.monotonic(), done
            total = done + sum(seconds[r.configuration] for r in alive) * (seeds - number + 1)
            for record in alive:
                if number > 1 and is_solved(record):
                    continue  # another seed gives the same model
                part = _Part(task, done, seconds[record.configuration], total, stop)
                try:
                    predictions = _repeat(experiment, record, number, cache, part)
                    trained[record.configuration].append(predictions)
                except DivergedError:
                    del trained[record.configuration]
                    progress.message(f"diverged this time: {record.title}")
                done += part.seconds
            finalists = compared(experiment, records, trained, within=within)
            # One training of each does not show how much trainings differ.
            alive = [f.record for f in finalists if number == 1 or not f.comparison.out]
            slower = (time.monotonic() - began) / (done - before) if done > before else 1.0
            following = sum(seconds[r.configuration] for r in alive if not is_solved(r))
            if time.monotonic() + slower * following > until:
                break
    return finalists


def _announce(
    records: Sequence[TrialRecord], experiment: Experiment, seeds: int, progress: ProgressSink
) -> None:
    most = duration_in_words(again_seconds(records, experiment, seeds=seeds))
    if all(map(is_solved, records)):
        if any(record.images is not None for record in records):
            progress.message(f"measuring the best on all images to validate on: at most {most}")
        return
    what = f"training the best {len(records)} again with up to {counted(seeds, 'other seed')} each"
    progress.message(f"{what}: at most {most}")


def compared(
    experiment: Experiment,
    records: Sequence[TrialRecord],
    trained: Mapping[str, list[NDArray[np.float32]]],
    *,
    within: float = AS_GOOD_WITHIN,
) -> list[Finalist]:
    """Compare the configurations that were trained, in the order of `records`.

    Args:
        experiment: the run.
        records: of the configurations.
        trained: predictions of each training, by the configuration's id.
        within: the margin of `comparisons`.
    """
    config, targets = experiment.config, experiment.targets[experiment.validation]
    objective = objective_of(config)
    with_training = [record for record in records if record.configuration in trained]
    predictions = [trained[record.configuration] for record in with_training]
    scores = [np.array([objective.shares(p, targets) for p in runs]) for runs in predictions]
    likely = [np.array([log_likelihoods(p, targets) for p in runs]) for runs in predictions]
    solved = [number for number, record in enumerate(with_training) if is_solved(record)]
    counts = np.bincount(targets).tolist() if objective.counts_classes else ()
    options: Any = {"within": within, "solved": solved, "class_counts": counts}
    results = comparisons(scores, likely, **options) if with_training else []
    # Of a loss the shares are negated, so that more is better.
    results = [replace(each, mean=objective.sign * each.mean) for each in results]
    return [
        Finalist(record, record.baseline, runs, comparison)
        for record, runs, comparison in zip(with_training, predictions, results, strict=True)
    ]


def _repeat(
    experiment: Experiment, record: TrialRecord, number: int, cache: ModelCache, part: "_Part"
) -> NDArray[np.float32]:
    """Train once more and predict validation; an earlier export's predictions are read instead."""
    # Named by its epochs too: a search that went on may have found its best at another epoch.
    path = experiment.run.repeat(record.configuration, record.epochs_to_best, number)
    if path.exists():
        with suppress(TuneError):  # a damaged one is made again
            return load_predictions(path)
    if is_solved(record) and record.images is None:
        return load_predictions(experiment.run.predictions(record.trial_id))
    # From 1 on: 0 is the seed of the search, whose luck is to be left out.
    seed = configuration_seed(experiment.config.seed, record.configuration, number)
    # Else TensorFlow keeps about 22 MB of each small model that was trained.
    with released_graphs():
        training = cache.training(experiment, effective_values(record), seed, part.features)
        model = cache.model(training)
        train_epochs(
            training, model, epochs=record.epochs_to_best, update=part.steps, stop=part.stop
        )
        predictions = training.validate(model)
    # Before they are written: what is kept is read by every later export.
    if not np.isfinite(predictions).all():
        raise DivergedError
    write_array(path, predictions)
    return predictions


@dataclass(frozen=True)
class _Part:
    """Tell the progress of one training as a part of all, in estimated seconds."""

    task: Task
    before: float
    seconds: float
    total: float
    stop: StopSignal

    def features(self, done: int, total: int) -> None:
        """Tell how many batches of features are computed; their time is in no estimate."""
        self.stop.raise_if_requested()
        self.task.update(self.before, self.total, f"computing features, {done / total:.0%}")

    def steps(self, done: int, total: int) -> None:
        """Tell how many steps of the training are done."""
        seconds = self.before + self.seconds * done / total
        self.task.update(seconds, self.total, TRAINING_AGAIN)


def ensemble(experiment: Experiment, finalists: Sequence[Finalist], *, top: int) -> Ensemble | None:
    """Measure what the mean of the best few's probabilities would reach on validation.

    Of the members trained equally often the k-th trainings are averaged, for each k.

    Returns:
        Its figures, the cost left out; None where there are not two.
    """
    most = max((len(f.predictions) for f in finalists), default=0)
    # Who dropped out has fewer trainings: its k-th one is missing for some k.
    full = [f for f in finalists if most and len(f.predictions) == most][:top]
    if len(full) < 2:
        return None
    targets = experiment.targets[experiment.validation]
    objective = objective_of(experiment.config)

    def value(predictions: NDArray[Any]) -> float:
        return float(np.mean([objective.from_predictions(p, targets) for p in predictions]))

    together = np.array([f.predictions for f in full])  # [members, seeds, n, classes]
    return Ensemble(
        members=tuple(f.record.configuration for f in full),
        value=value(together.mean(axis=0)),
        of_best=objective.best(value(member) for member in together),
    )
