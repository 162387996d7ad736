"""Keep back the time that an export will take, so that a model is there when time is up."""

import math
import time
from typing import NamedTuple

from models.families.registry import family_named
from search.evaluation.bootstrap import enough_images
from search.process.stop_signal import StopSignal
from search.run_folder.config import objective_of
from search.run_folder.finalist_rows import SEEDS, TOP
from search.run_folder.ranking import best_first
from search.run_folder.records import TrialRecord, load_records
from search.selection.candidates import (
    candidates,
    is_head,
    is_solved,
    training_seconds,
    with_probes_in_order,
)
from search.trial.experiment import Experiment
from search.trial.messages import Progress

# Besides the retraining: the file is written, read and timed in a process of its own, compared on
# whole photos, tested. 11 s with one MobileNet on two cores, 27 s with two of them.
FIXED_SECONDS = 5.0
SECONDS_PER_NETWORK = 10.0
SECONDS_PER_FORMAT = 15.0  # each further one: converted, and looked at in the same way
SECONDS_PER_TEST_IMAGE = 0.01
CHOOSING_SHARE = 0.15  # of the time limit that training the best few again may take
SECONDS_PER_COST = 8.0  # of a configuration: written and timed
BUILDING_SECONDS = 2.0  # of a probe's network, which is kept
OVERRUN = 0.2  # of the seconds of a round of training again: estimates are rather too high
TRACING_SECONDS = 6.0  # of the training step of a network whose last layers are trained


def export_seconds(record: TrialRecord | None, experiment: Experiment) -> float:
    """Estimate the seconds of an export of this configuration, where nothing is compared.

    Args:
        record: of the configuration; None where none is known yet.
        experiment: the run.
    """
    tested = SECONDS_PER_TEST_IMAGE * len(experiment.test)
    formats = SECONDS_PER_FORMAT * len(experiment.config.formats)
    known = FIXED_SECONDS + formats + tested
    if record is None:
        return known + SECONDS_PER_NETWORK
    return known + SECONDS_PER_NETWORK * _networks(record) + _retraining(record, experiment)


def _networks(record: TrialRecord) -> int:
    features = family_named(str(record.values["family"])).features
    return max(1, len(features.parts(record.values)) if features else 0)


def _retraining(record: TrialRecord, experiment: Experiment) -> float:
    """Estimate the seconds of the last training, on train + validation, by those of the trial."""
    if is_solved(record):
        # What it was fitted to, and as many of those to validate on: their features are there.
        counts = len(experiment.train), len(experiment.validation)
        known = sum(min(count, record.images or count) for count in counts)
        others = max(0.0, record.seconds - BUILDING_SECONDS)
        return others * (sum(counts) - known) / known
    steps = record.step_seconds or record.seconds
    trained = steps * record.epochs_to_best / max(len(record.history), 1)
    return _again(trained, record.seconds - steps, experiment)


def _again(steps: float, others: float, experiment: Experiment) -> float:
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
    chosen = candidates(records, experiment.config, top=top, fits=lambda record: True)
    priced = chosen[1:] and enough_images(len(experiment.validation))
    return Choosing(
        once=SECONDS_PER_COST * len(chosen) if priced else 0.0,
        each=sum(_choosing_one(record, experiment) for record in chosen),
    )


def _choosing_one(record: TrialRecord, experiment: Experiment) -> float:
    if not is_solved(record):
        return training_seconds(record)
    # What the search said of one that saw all images is taken as it is.
    return 0.0 if record.images is None else BUILDING_SECONDS + _retraining(record, experiment)


def seeds_within(seconds: float, experiment: Experiment, *, top: int, most: int) -> int:
    """How often the best few can be trained again before an export, 0 to `most`.

    Args:
        seconds: until the export shall have ended.
        experiment: the run.
        top: how many of the best are trained again.
        most: how often at most.
    """
    records = load_records(experiment.run)
    chosen = candidates(records, experiment.config, top=top, fits=lambda record: True)
    if not chosen:
        return most
    choosing = choosing_seconds(records, experiment, top=top)
    left = seconds - export_seconds(chosen[0], experiment) - choosing.once
    if left < 0:
        return 0
    return min(most, int(left / choosing.each + OVERRUN)) if choosing.each else most


class TimeToExport:
    """An observer of a search: ends it early enough to export the best so far.

    A running trial that is ahead already is what would be exported if the search ended now. While
    there is nothing to export, no time is kept back.

    Args:
        stop: ends the search.
        experiment: the run.
        records: of the run so far.
    """

    def __init__(self, stop: StopSignal, experiment: Experiment, records: list[TrialRecord]):
        self.stop, self.experiment = stop, experiment
        self.objective = objective_of(experiment.config)
        self.records = {record.trial_id: record for record in records}
        self.begun: dict[str, float] = {}
        self.stepping: dict[str, float] = {}  # when the first step was done
        self._keep_back()

    def trial_started(self, record: TrialRecord) -> None:
        """Note when it began; for a probe, which may stand on two networks, keep back at once."""
        if is_solved(record):
            self._keep_back(probe=record)
        else:
            self.begun[record.trial_id] = time.monotonic()

    def progress(self, progress: Progress) -> None:
        """Keep back as long as a running trial took, once it is ahead."""
        now = time.monotonic()
        if progress.trial_id not in self.begun:
            return
        if not progress.before:
            self.stepping.setdefault(progress.trial_id, now)
        score = (progress.logs or {}).get(self.objective.name)
        if score is None or not self._is_ahead(score):
            return
        first = self.stepping[progress.trial_id]
        others = first - self.begun[progress.trial_id]
        self._keep_back(_again(now - first, others, self.experiment))

    def trial_finished(self, record: TrialRecord) -> None:
        """Keep back what the best needs."""
        self.records[record.trial_id] = record
        self._keep_back()

    def _is_ahead(self, score: float) -> bool:
        best = self._ranked()
        if not best or best[0].score is None:
            return True
        return self.objective.rank(score) < self.objective.rank(best[0].score)

    def _ranked(self) -> list[TrialRecord]:
        ranked = best_first(list(self.records.values()), self.objective)
        scored = [record for record in ranked if record.score is not None]
        return with_probes_in_order(scored, self.objective)

    def _keep_back(self, running: float | None = None, probe: TrialRecord | None = None) -> None:
        ranked = self._ranked()
        if not ranked and running is None:
            return
        # A head may lead by luck: then the best of the others is exported, or the best probe.
        others = [record for record in ranked if not is_head(record)]
        probes = [record for record in ranked if is_solved(record) and record.images is None]
        likely = [*ranked[:1], *others[:1], *probes[:1], *([probe] if probe else [])]
        least = export_seconds(None, self.experiment) + (running or 0.0)
        each = [export_seconds(record, self.experiment) for record in likely]
        self.stop.keep_back(max([least, *each]) + self._choosing())

    def _choosing(self) -> float:
        """Seconds for training the best few again, as often as a share of the time allows."""
        choosing = choosing_seconds(list(self.records.values()), self.experiment, top=TOP)
        share = CHOOSING_SHARE * self.stop.limit - choosing.once
        if not choosing.each or share < choosing.each:
            return 0.0
        return choosing.once + choosing.each * math.floor(min(SEEDS, share / choosing.each))
