"""Draw configurations where earlier ones were good, around known-good ones, and at random.

A model of what was seen needs some results before it is of use, and is wrong at times. So part of
the draws is random to the end, as in BOHB (Falkner et al. 2018, arXiv 1807.01774), and of the rest
those around known-good configurations become fewer as results come in, as in PriorBand (Mallik et
al. 2023, arXiv 2306.12370). A draw follows from what has ended and from its number, so that a
resumed search draws what an uninterrupted one does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from search.algorithms.base import DRAWS, DurableOracle
from search.algorithms.curves import Curve, at_equal_epochs, hopeless_families
from search.algorithms.prior import around
from search.algorithms.racing.probed import is_raced
from search.algorithms.sampler import STARTUP, Sampler
from search.algorithms.unit_space import place, without_families
from search.run_folder.origins import MODEL, PRIOR, RANDOM
from search.run_folder.records import Values

HALF = 12  # configurations with a result, after which the share of the prior is halved
_SEED_STEP = 1_000_003  # between the seeds of two trials; a prime, so that no two draws share one


def origin(results: int, *, random_share: float, prior: bool, luck: float) -> str:
    """Choose how the next configuration is drawn.

    Args:
        results: configurations that have one.
        random_share: of the draws that stay random.
        prior: whether there is anything known to be good.
        luck: drawn from 0 to 1.
    """
    if luck < random_share:
        return RANDOM
    luck = (luck - random_share) / (1 - random_share)
    if prior and (results < STARTUP or luck < 0.5 ** (results / HALF)):
        return PRIOR
    return MODEL if results >= STARTUP else RANDOM


class _Ended(NamedTuple):
    """A trial that has ended: the hash of its values, these, and its scores by epochs."""

    name: str
    values: Values
    scores: dict[int, float]


class LearningOracle(DurableOracle):
    """Mixed into a KerasTuner oracle, before it.

    Attributes:
        random_share: of the draws, 0 to 1.
        with_prior: whether some are drawn around the baselines.
    """

    random_share = 0.0
    with_prior = False

    def __init__(self, **options: Any) -> None:
        self._ended: dict[str, _Ended] = {}
        self._sampler = Sampler()
        super().__init__(**options)

    def draw(self, number: int) -> Values | None:
        """Draw values that were not tried yet; None where there are none.

        Args:
            number: of the draw for one trial. The later ones are random: where nine in a row break
                a limit, what the model knows of is what breaks it.
        """
        curves = self._curves()
        with self._promising(curves):
            return self._draw(number, curves)

    @contextmanager
    def _promising(self, curves: list[Curve]) -> Iterator[None]:
        """Draw from the families alone that are not clearly behind."""
        space = self.hyperparameters
        if self.judged_on and (hopeless := hopeless_families(curves, self.judged_on)):
            self.hyperparameters = without_families(space, hopeless)
        try:
            yield
        finally:
            self.hyperparameters = space

    def _draw(self, number: int, curves: list[Curve]) -> Values | None:
        seed = (self.seed + _SEED_STEP * (len(self.trials) + 1) + number) % 2**32
        results = [curve for curve in curves if curve.scores]
        known = self._known_good(results) if self.with_prior else []
        random = np.random.default_rng(seed)
        how = origin(
            len(results),
            random_share=self.random_share,
            prior=bool(known),
            luck=random.random(),
        )
        if how != RANDOM and number < DRAWS // 2:
            values = self._drawn(how, curves, known, random, seed)
            if not self._duplicate(values):
                self.origin = how
                return values
        return super().draw(number)

    def _drawn(
        self,
        how: str,
        curves: list[Curve],
        known: list[Values],
        random: np.random.Generator,
        seed: int,
    ) -> Values:
        if how == PRIOR:
            # The best twice as often as the next.
            centre = known[min(int(random.geometric(0.5)), len(known)) - 1]
            return around(self.hyperparameters, centre, keep="family", seed=seed)
        seen, full = at_equal_epochs(curves, STARTUP)
        return self._sampler.draw(self.hyperparameters, seen, full=full, seed=seed)

    def _known_good(self, results: list[Curve]) -> list[Values]:
        """The baselines with a result, the best first; before there is one, all.

        None of a family that is given up.
        """
        ranked = sorted(
            (curve for curve in results if curve.values in self.baselines),
            key=lambda curve: -max(curve.scores.values()),
        )
        entries = {entry.name: entry for entry in self.hyperparameters.space}
        known = [curve.values for curve in ranked] or self.baselines
        family = entries.get("family")
        if family is None:
            return known
        return [values for values in known if place(family, values["family"]) is not None]

    def _curves(self) -> list[Curve]:
        """The configurations that have ended, in the order in which they began."""
        values_of: dict[str, Values] = {}
        scores: dict[str, dict[int, float]] = {}
        for trial_id, trial in self.trials.items():
            has_ended = trial.status in ("COMPLETED", "FAILED")
            if not has_ended or is_raced(trial.hyperparameters.values):
                continue
            if trial_id not in self._ended:
                self._ended[trial_id] = self._outcome(trial_id)
            name, values, rungs = self._ended[trial_id]
            values_of.setdefault(name, values)
            scores.setdefault(name, {}).update(rungs)
        return [Curve(values, scores[name]) for name, values in values_of.items()]

    def _outcome(self, trial_id: str) -> _Ended:
        trial = self.trials[trial_id]
        values = trial.hyperparameters.values
        own = {name: value for name, value in values.items() if not name.startswith("tuner/")}
        history = trial.metrics.get_history(self.objective.name) if self.useful(trial_id) else []
        scores = {int(seen.step) + 1: self.sign * float(seen.mean()) for seen in history}
        return _Ended(self._compute_values_hash(own), own, scores)
