"""Read what a report is made of from a run's folder; no TensorFlow."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_pipeline.pixels.thumbnails import KnownFile
from search.algorithms.racing.probed import is_raced
from search.evaluation.classes import doubts
from search.evaluation.metrics import confusion_matrix
from search.insights.cached import cached_insights
from search.insights.findings import Insights
from search.insights.space import Hyperparameter, read_space
from search.insights.verdict import verdict
from search.overview.predictions import predictions_of
from search.overview.timeline import Ended, seconds_searched, timeline
from search.process.printable import printable
from search.report.configurations import Tried, tried_configurations
from search.report.mistakes import Mistake, worst_mistakes
from search.run_folder.config import RunConfig, objective_of
from search.run_folder.data import load_splits, load_targets
from search.run_folder.data_summary import DataSummary
from search.run_folder.exported.metrics import Metrics
from search.run_folder.images import Images
from search.run_folder.paths import RunFolder
from search.run_folder.ranking import best_first
from search.run_folder.record_files import load_records
from search.run_folder.records import TrialRecord
from search.run_folder.schema import OtherVersionError
from search.run_folder.time_spent import Spent, time_spent


@dataclass(frozen=True)
class Answers:
    """What a model said of images that it had not seen.

    Attributes:
        exported: whether it is the exported model on the test images; else it is the best of
            the search on the validation images.
        confusion_matrix: counts [true class][predicted class].
        doubts: sentences about what it is of no use for.
        mistakes: the worst.
    """

    exported: bool
    confusion_matrix: list[list[int]]
    doubts: list[str]
    mistakes: list[Mistake]


@dataclass(frozen=True)
class Contents:
    """What a report is made of, read once from a run's folder.

    Attributes:
        data: what it was given to learn from.
        finished: trials that are.
        verdict: whether the search beat what it started from.
        insights: what it has taught (see `search.insights.insight.find_insights`).
        metrics: of the exported model; None where there is none.
        outdated: what is to be said of an export that does not belong to what the search has
            found by now; "" where it does.
        space: what was declared to be searched, by name.
        tried: the configurations, best first.
        race: the records of the race of backbones.
        spent: where the time of the search went.
        ends: finished trials with the seconds of searching until they ended.
        searched: seconds in which any trial ran, those that did not end too.
        classes: label, and its images in train, validation and test.
        answers: of the best model there is; None before a trial has finished.
    """

    run: RunFolder
    config: RunConfig
    data: DataSummary
    finished: int
    verdict: str
    insights: Insights
    metrics: Metrics | None
    outdated: str
    space: dict[str, Hyperparameter]
    tried: list[Tried]
    race: list[TrialRecord]
    spent: tuple[Spent, ...]
    ends: list[Ended]
    searched: float
    classes: list[tuple[str, int, int, int]]
    answers: Answers | None


def read_contents(run: RunFolder) -> Contents:
    """Read all that a run's folder tells.

    Raises:
        TuneError: a file is missing or broken.
    """
    # Read once: a search that goes on meanwhile must not change the parts against one another.
    config, data, records = RunConfig.load(run), DataSummary.load(run), load_records(run)
    ranked = best_first(records, objective_of(config))
    finished = sum(record.finished for record in records)
    metrics, outdated = _exported(run, finished)
    return Contents(
        run=run,
        config=config,
        data=data,
        finished=finished,
        verdict=verdict(records, config, data.splits.validation),
        insights=cached_insights(run, records, config),
        metrics=metrics,
        outdated=outdated,
        space=read_space(run),
        tried=tried_configurations(records, ranked),
        race=[record for record in records if is_raced(record.values)],
        spent=time_spent(records, objective_of(config)),
        ends=timeline(records),
        searched=seconds_searched(records),
        classes=_classes(run, data.class_names),
        answers=_answers(run, ranked, data.class_names),
    )


def _exported(run: RunFolder, finished: int) -> tuple[Metrics | None, str]:
    """Read the metrics of the export, and say where it does not belong to the search of today."""
    if not run.metrics.exists():
        return None, ""
    try:
        metrics = Metrics.load(run)
    except OtherVersionError:
        return None, "An older version of tune made the export of this run: it is left out here."
    # Older versions did not write it: nothing can be said of these.
    exported_after = finished if metrics.trials is None else metrics.trials
    if exported_after < finished:
        return metrics, (
            f"The model was exported after {exported_after} trials; the search went on, and has "
            f"{finished} now."
        )
    return metrics, ""


def _classes(run: RunFolder, class_names: Sequence[str]) -> list[tuple[str, int, int, int]]:
    targets, splits = load_targets(run), load_splits(run)
    counts = [
        np.bincount(targets[rows], minlength=len(class_names)).tolist()
        for rows in (splits.train, splits.validation, splits.test)
    ]
    return list(zip(class_names, *counts, strict=True))


def _answers(
    run: RunFolder, ranked: list[TrialRecord], class_names: Sequence[str]
) -> Answers | None:
    """Read the answers of the exported model on the test images, else of the best on validation."""
    if (found := predictions_of(run, ranked)) is None:
        return None
    exported, predictions, rows = found
    targets = load_targets(run)[rows]
    matrix = confusion_matrix(predictions, targets)
    return Answers(
        exported=exported,
        confusion_matrix=matrix,
        doubts=doubts(matrix, [printable(name) for name in class_names]),
        mistakes=worst_mistakes(
            predictions, targets, files=_files(run, rows), class_names=class_names
        ),
    )


def _files(run: RunFolder, rows: NDArray[np.int64]) -> list[KnownFile]:
    images = Images.load(run)
    return [images.file(row) for row in rows]


def most_confused(
    matrix: list[list[int]], class_names: Sequence[str], most: int
) -> list[tuple[str, ...]]:
    """List the pairs of classes confused most often: (true class, taken for, how often)."""
    pairs = Counter(
        {
            (class_names[row], class_names[column]): count
            for row, counts in enumerate(matrix)
            for column, count in enumerate(counts)
            if row != column and count
        }
    )
    return [(true, taken, f"{count:,}") for (true, taken), count in pairs.most_common(most)]
