"""Propose the race of backbones before anything else, and begin the search from its winners."""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras_tuner

from models.pretrained.backbones import BACKBONES
from search.algorithms.racing.narrowed import narrowed
from search.algorithms.racing.probed import (
    BACKBONE,
    IMAGE_SIZE,
    Probed,
    comparable,
    is_raced,
    own_values,
)
from search.algorithms.racing.race import FINALISTS, Race
from search.run_folder.origins import RACE
from search.run_folder.records import CROSS_VALIDATED, TrialRecord, Values

REST_OF_RACE = 3.0
"""How many times as long as its first rung the others take: 2.5 times on 1,400 cats and dogs."""


BUILDING_SECONDS = 3.0  # of a probe's network, which is kept: built and traced, on two cores


class RaceFirst(keras_tuner.Oracle):
    """The part of `search.algorithms.base.DurableOracle` that runs the race.

    What is searched, and which baselines there are, follows from the winners.

    Attributes:
        race: of backbones; None where there is none, or it is decided.
        baselines: what is tried next; where there is a race, once it is decided.
        baselines_on: gives them, given values of the winners, the best first.
        allowed: whether values keep to the limits of the run.
        time_left: gives the seconds that the search still has.
        seen_by_all: images to train and to validate on, of which a probe of all computes the
            features; None where that is not known.
        seconds: of the trials that ended in this process, by id; of a race that goes on, those of
            its earlier probes too.
        seconds_before: that these took in all.
    """

    race: Race | None
    baselines: list[Values]
    baselines_on: Callable[[list[Values]], list[Values]] | None
    allowed: Callable[[Values], bool]
    time_left: Callable[[], float]
    seen_by_all: int | None = None
    seconds: dict[str, float]
    seconds_before: float = 0.0
    _began: float | None = None
    trials: dict[str, Any]
    hyperparameters: Any

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Values of the next trial, in KerasTuner's form: first the race, then the algorithm's."""
        if self.race is not None:
            self._began = self._began or time.monotonic()
            following = self.race.next(self._probed(), self.allowed, self._in_a_hurry, self._fits)
            if following.values is not None:
                place = {**self.race.place(following), "tuner/origin": RACE}
                values = {**following.values, **place}
                return {"status": "RUNNING", "values": values}
            if not following.over:
                return {"status": "IDLE"}
            self.settle_race()
        if not self.hyperparameters.space and self.exhausted():
            return {"status": "STOPPED"}  # all there is are probes
        return self.propose(trial_id)

    def exhausted(self) -> bool:
        """Whether nothing can be proposed any more."""
        raise NotImplementedError

    def _in_a_hurry(self) -> bool:
        """Whether the rest of the race would take more time than there is."""
        seconds = self.seconds_before + time.monotonic() - (self._began or time.monotonic())
        share = self._opened()
        return self.time_left() < (REST_OF_RACE + 1.0 - share) * seconds / share

    def _opened(self) -> float:
        """Which share of the first rung has ended, 0 to 1, by what its probes take."""
        ended = [each.values for each in self._probed() if each.ended and not each.rung]
        whole = sum(map(_weight, self.race.opening)) if self.race else 0.0
        return min(sum(map(_weight, ended)) / whole, 1.0) if ended and whole else 1.0

    def _fits(self, values: Values) -> bool:
        """Whether there is time for a probe of all images, by what its backbone took before."""
        for probed in reversed(self._probed()):
            same = probed.values.get(BACKBONE) == values[BACKBONE]
            if same and probed.trial_id in self.seconds:
                larger = (int(values[IMAGE_SIZE]) / int(probed.values[IMAGE_SIZE])) ** 2
                more = self._times_as_many(probed)
                building = 0.0 if probed.rung else BUILDING_SECONDS
                features = max(self.seconds[probed.trial_id] - building, 0.0)
                again = BUILDING_SECONDS if larger != 1 else 0.0  # of another size
                return again + features * larger * more < self.time_left()
        return False

    def _times_as_many(self, probed: Probed) -> float:
        """How many times the images of a probe all are."""
        partial = self.race.rungs[probed.rung].images if self.race else None
        if partial is None:
            return 1.0
        # It is validated on as many as it is fitted to.
        return math.inf if self.seen_by_all is None else self.seen_by_all / (2 * partial)

    def propose(self, trial_id: str) -> dict[str, Any]:
        """What the algorithm tries next, in KerasTuner's form."""
        return dict(super().populate_space(trial_id))

    def settle_race(self) -> None:
        """Search on the winners alone, if the race is decided; where none won, on all."""
        if self.race is None:
            return
        probed = self._probed()
        # What was left out for want of time is not made up for.
        if not self.race.next(probed, self.allowed, fits=lambda values: False).over:
            return
        winners = self.race.ranking(probed)[:FINALISTS]
        self.race = None
        if winners and self.baselines_on is not None:
            self.baselines = self.baselines_on(winners)
            self.hyperparameters = narrowed(self.hyperparameters, winners)

    def note_earlier_probes(self, records: Iterable[TrialRecord]) -> None:
        """Take in what the probes of a race took that goes on."""
        probes = [each for each in records if each.finished and is_raced(each.values)]
        self.seconds |= {probe.trial_id: probe.seconds for probe in probes}
        self.seconds_before = _seconds_of_any(probes)

    def _probed(self) -> list[Probed]:
        """The probes of the race so far."""
        return [
            self._as_probed(trial_id, trial)
            for trial_id, trial in self.trials.items()
            if is_raced(trial.hyperparameters.values)
        ]

    @property
    def sign(self) -> float:
        """1, or -1 where less of the objective is better: times a score, more is better."""
        return 1.0 if self.objective.direction == "max" else -1.0

    def useful(self, trial_id: str) -> bool:
        """Whether a trial finished with a result that can be built upon."""
        trial = self.trials[trial_id]
        return trial.status == "COMPLETED" and not trial.message

    def _as_probed(self, trial_id: str, trial: Any) -> Probed:
        values, score = trial.hyperparameters.values, None
        if self.useful(trial_id):
            metrics = trial.metrics
            known = CROSS_VALIDATED if metrics.exists(CROSS_VALIDATED) else self.objective.name
            value, loss = (metrics.get_best_value(name) for name in (known, "val_loss"))
            score = comparable(float(value), float(loss), sign=self.sign)
        return Probed(
            trial_id,
            own_values(values),
            rung=int(values["tuner/round"]),
            score=score,
            ended=trial.status in ("COMPLETED", "FAILED"),
        )


def _weight(values: Values) -> float:
    """What a probe of few images takes, up to a factor: to be built, and for its features.

    On two cores 2.0, 2.6, 3.5 and 5 s at 160 px for MobileNets of 0.2 to 2.3 million values.
    """
    size = BACKBONES[str(values[BACKBONE])].values * (int(values[IMAGE_SIZE]) / 160) ** 2
    return 1.5e6 + size


def _seconds_of_any(probes: Sequence[TrialRecord]) -> float:
    """Seconds in which any of them ran: several may at once, and between two may be a pause."""
    # One that was stopped and gone on with later ran for its seconds alone, before its end.
    ends = [
        (max(p.begun, p.ended - p.seconds), p.ended)
        for p in probes
        if p.begun is not None and p.ended is not None
    ]
    seconds, last = sum(p.seconds for p in probes if p.begun is None or p.ended is None), 0.0
    for begun, ended in sorted(ends):
        seconds += max(ended - max(begun, last), 0.0)
        last = max(last, ended)
    return seconds
