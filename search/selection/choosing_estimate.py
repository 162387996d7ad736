"""Estimate the seconds of choosing among the best few, and of an export of any of them."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from search.evaluation.bootstrap import enough_images
from search.run_folder.record_files import load_records
from search.run_folder.records import TrialRecord
from search.selection.candidates import (
    candidates,
    is_solved,
    judging_images,
    training_seconds,
)
from search.selection.export_estimate import Parts, export_parts, retraining_seconds
from search.trial.experiment import Experiment

SECONDS_PER_COST = 8.0  # of a configuration: written and timed
OVERRUN = 0.2  # of the seconds of a round of training again: estimates are rather too high


class Choosing(NamedTuple):
    """Seconds that it takes to choose among the best few.

    Attributes:
        once: to measure what they cost to run.
        each: to train all of them again, each time.
    """

    once: float
    each: float


def choosing_seconds(records: list[TrialRecord], experiment: Experiment, *, top: int) -> Choosing:
    """Estimate the seconds of training the best few again and of comparing them.

    Args:
        records: of the run.
        experiment: the run.
        top: how many of the best.
    """
    chosen = _candidates(records, experiment, top)
    priced = chosen[1:] and enough_images(len(experiment.validation))
    return Choosing(
        once=SECONDS_PER_COST * len(chosen) if priced else 0.0,
        each=sum(seconds_once_more(record, experiment) for record in chosen),
    )


def seconds_of_choosing(
    records: list[TrialRecord], experiment: Experiment, *, top: int, seeds: int
) -> float:
    """Estimate the seconds of training the best few again, as `search.selection.choice` does it.

    Args:
        records: of the run.
        experiment: the run.
        top: how many of the best.
        seeds: how often each, at most.
    """
    chosen = _candidates(records, experiment, top)
    if not chosen:
        return 0.0
    if seeds == 0 or len(chosen) == 1:
        # What the search predicted will do, but for a probe of a part of the images.
        return 0.0 if chosen[0].images is None else seconds_once_more(chosen[0], experiment)
    once = choosing_seconds(records, experiment, top=top).once
    return once + again_seconds(chosen, experiment, seeds=seeds)


def again_seconds(chosen: Sequence[TrialRecord], experiment: Experiment, *, seeds: int) -> float:
    """Estimate the seconds of training these again; what a solver fits only once."""
    each = [(1 if is_solved(r) else seeds) * seconds_once_more(r, experiment) for r in chosen]
    return sum(each)


def seconds_once_more(record: TrialRecord, experiment: Experiment) -> float:
    """Estimate the seconds of one more training of a configuration, to compare it."""
    if not is_solved(record):
        return training_seconds(record)
    # What the search said of one that saw all images is taken as it is.
    return 0.0 if record.images is None else retraining_seconds(record, experiment)


def choosing_within(
    deadline: float, experiment: Experiment, *, top: int, most: int
) -> tuple[int, float]:
    """Say how often the best few can be trained again before an export, and until when.

    Args:
        deadline: of `time.monotonic`, when the export shall have ended.
        experiment: the run.
        top: how many of the best are trained again.
        most: how often at most.

    Returns:
        Rounds, 0 to `most`, and the time of `time.monotonic` when the last shall have ended.
    """
    records = load_records(experiment.run)
    choosing = choosing_seconds(records, experiment, top=top)
    until = deadline - costliest_export_seconds(records, experiment, top=top) - choosing.once
    left = until - time.monotonic()
    if left < 0:
        return 0, until
    return min(most, int(left / choosing.each + OVERRUN)) if choosing.each else most, until


def costliest_parts(
    records: list[TrialRecord],
    experiment: Experiment,
    *,
    top: int,
    formats: Sequence[str] | None = None,
) -> Parts:
    """Estimate the parts of the longest export among the best few: any of them may be chosen.

    Args:
        records: of the run.
        experiment: the run.
        top: how many of the best are chosen from.
        formats: that are written besides the first; by default those of the run.
    """
    chosen: list[TrialRecord | None] = [*_candidates(records, experiment, top)]
    each = [export_parts(record, experiment, records, formats=formats) for record in chosen]
    return max(each, key=sum, default=export_parts(None, experiment, formats=formats))


def costliest_export_seconds(
    records: list[TrialRecord], experiment: Experiment, *, top: int
) -> float:
    """Estimate the seconds of the longest export among the best few."""
    return sum(costliest_parts(records, experiment, top=top))


def _candidates(records: list[TrialRecord], experiment: Experiment, top: int) -> list[TrialRecord]:
    return candidates(
        records,
        experiment.config,
        top=top,
        fits=lambda record: True,
        judged_on=judging_images(experiment),
    )
