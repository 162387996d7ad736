"""Estimate the seconds of an export, and of choosing among the best few, by what trials took."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from models.families.registry import family_named
from search.evaluation.bootstrap import enough_images
from search.run_folder.record_files import load_records
from search.run_folder.records import TrialRecord, Values
from search.selection.candidates import candidates, is_solved, training_seconds
from search.trial.experiment import Experiment

# Besides the retraining: the file is written, read and timed in a process of its own, compared on
# whole photos, tested. On two cores of one kind 11 s with one MobileNet and 27 s with two networks,
# on two of another, where an image took twice as long, 16 and 46 s.
FIXED_SECONDS = 5.0
SECONDS_PER_NETWORK = 8.0
SECONDS_PER_FORMAT = 15.0  # each further one: converted, and looked at in the same way
SEEN_IMAGES = 400  # besides those to test on
SECONDS_PER_IMAGE = 0.01  # where nothing is known of a network; half of it at least
SECONDS_PER_COST = 8.0  # of a configuration: written and timed
BUILDING_SECONDS = 2.0  # of a probe's network, which is kept
OVERRUN = 0.2  # of the seconds of a round of training again: estimates are rather too high
TRACING_SECONDS = 6.0  # of the training step of a network whose last layers are trained


def export_seconds(
    record: TrialRecord | None, experiment: Experiment, records: Sequence[TrialRecord] = ()
) -> float:
    """Estimate the seconds of an export of this configuration, where nothing is compared.

    Args:
        record: of the configuration; None where none is known yet.
        experiment: the run.
        records: of the run, whose probes say what an image takes on this machine.
    """
    known = FIXED_SECONDS + SECONDS_PER_FORMAT * len(experiment.config.formats)
    networks = [None] if record is None else _networks(record)
    each = [_seconds_per_image(probe, experiment, records) for probe in networks]
    files = SECONDS_PER_NETWORK * len(each) + (SEEN_IMAGES + len(experiment.test)) * sum(each)
    return known + files + (0.0 if record is None else _retraining(record, experiment))


def _networks(record: TrialRecord) -> list[Values | None]:
    """Values of a probe of each network of its model; None for one without a backbone."""
    name, values = str(record.values["family"]), record.values
    features = family_named(name).features
    if features and (parts := features.parts(values)):
        return list(parts)
    if f"{name}/backbone" not in values:
        return [None]
    own = {f"probe/{key}": values.get(f"{name}/{key}", 0) for key in ("backbone", "image_size")}
    return [{"family": "probe", **own}]


def _seconds_per_image(
    probe: Values | None, experiment: Experiment, records: Sequence[TrialRecord]
) -> float:
    rungs = [record for record in records if record.values == probe]
    if not rungs:
        return SECONDS_PER_IMAGE
    # Each rung computes the features of those images alone that the one before had not.
    seconds = sum(record.seconds for record in rungs) - BUILDING_SECONDS
    images = max(sum(_seen(record, experiment)) for record in rungs)
    return max(seconds / images, SECONDS_PER_IMAGE / 2)


def _seen(record: TrialRecord, experiment: Experiment) -> list[int]:
    """How many images to train on and to validate on it saw."""
    counts = len(experiment.train), len(experiment.validation)
    return [min(count, record.images or count) for count in counts]


def _retraining(record: TrialRecord, experiment: Experiment) -> float:
    """Estimate the seconds of the last training, on train + validation, by those of the trial."""
    if is_solved(record):
        # What it was fitted to, and as many of those to validate on: their features are there.
        known = sum(_seen(record, experiment))
        others = max(0.0, record.seconds - BUILDING_SECONDS)
        more = len(experiment.train) + len(experiment.validation) - known
        # Its network is built here, where only its features were needed so far.
        return BUILDING_SECONDS * (more > 0) + others * more / known
    steps = record.step_seconds or record.seconds
    trained = steps * record.epochs_to_best / max(len(record.history), 1)
    return seconds_again(trained, record.seconds - steps, experiment)


def seconds_again(steps: float, others: float, experiment: Experiment) -> float:
    """Seconds that it takes again, on more images.

    Args:
        steps: seconds of its steps.
        others: seconds before them: features, which are kept, and tracing.
        experiment: the run.
    """
    more = _more_images(experiment)
    tracing = min(others, TRACING_SECONDS) if steps else 0.0
    return steps * more + others * (more - 1) + tracing


def _more_images(experiment: Experiment) -> float:
    """How many times as many images there are with those to validate on."""
    return (len(experiment.train) + len(experiment.validation)) / max(len(experiment.train), 1)


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
        each=sum(_choosing_one(record, experiment) for record in chosen),
    )


def _choosing_one(record: TrialRecord, experiment: Experiment) -> float:
    if not is_solved(record):
        return training_seconds(record)
    # What the search said of one that saw all images is taken as it is.
    return 0.0 if record.images is None else _retraining(record, experiment)


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


def costliest_export_seconds(
    records: list[TrialRecord], experiment: Experiment, *, top: int
) -> float:
    """Estimate the seconds of the longest export among the best few: any of them may be chosen.

    Args:
        records: of the run.
        experiment: the run.
        top: how many of the best are chosen from.
    """
    chosen = _candidates(records, experiment, top)
    none_yet = export_seconds(None, experiment)
    return max((export_seconds(each, experiment, records) for each in chosen), default=none_yet)


def _candidates(records: list[TrialRecord], experiment: Experiment, top: int) -> list[TrialRecord]:
    return candidates(
        records,
        experiment.config,
        top=top,
        fits=lambda record: True,
        judged_on=len(experiment.validation),
    )
