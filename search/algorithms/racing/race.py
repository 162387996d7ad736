"""Race the backbones: successive halving over probes of each backbone at each image size.

A probe takes seconds, and which backbone is the best differs from data set to data set. Each
backbone is first fitted to few images, at the smallest size; the better half goes on to more
images, at every size; of these the better half to more, until the last few see all (Jamieson &
Talwalkar 2016, arXiv 1502.07943, with the images and their size as the budget). At its end one
probe stands on the two best backbones together (`models.families.joined`). The search then begins
from the winners. Imports without KerasTuner.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.families.joined import of_best, parts
from search.algorithms.plan import Rung
from search.algorithms.racing.in_a_hurry import at_once, is_short
from search.algorithms.racing.probed import BACKBONE, Probed, by_score, going_on
from search.run_folder.records import Values

FINALISTS = 2  # candidates that see all images


@dataclass(frozen=True)
class Next:
    """What the race does next.

    Attributes:
        values, rung, parent: a probe to run, and the trial of its candidate on the rung before;
            no values where nothing can be started now.
        over: whether the race is decided.
    """

    values: Values | None = None
    rung: int = 0
    parent: str | None = None
    over: bool = False


@dataclass(frozen=True)
class Race:
    """A race as it is planned.

    Attributes:
        candidates: values of the probes, the cheapest first.
        opening: those of the first rung: of each backbone one, the likely ones first, where the
            second has all sizes of the better half; else all.
        rungs: how many candidates and images each has, at most.
        joins: whether the two best backbones are then joined.
    """

    candidates: tuple[Values, ...]
    opening: tuple[Values, ...]
    rungs: tuple[Rung, ...]
    joins: bool = False

    @property
    def plan(self) -> tuple[Rung, ...]:
        """The rungs, and the one of the backbones that are joined."""
        several = len({values[BACKBONE] for values in self.candidates}) > 1
        return (*self.rungs, Rung(0, 1, 0, 1)) if self.joins and several else self.rungs

    @property
    def likely(self) -> tuple[Values, ...]:
        """Of the opening those that are tried also in a hurry: where sizes wait, one half."""
        if self.opening == self.candidates:
            return self.opening
        return self.opening[: half(len(self.opening))]

    def next(
        self,
        entries: Sequence[Probed],
        allowed: Callable[[Values], bool] = lambda values: True,
        in_a_hurry: Callable[[], bool] = lambda: False,
        fits: Callable[[Values], bool] = lambda values: True,
    ) -> Next:
        """Say what to do after these probes.

        Args:
            entries: all that were begun.
            allowed: whether what is joined keeps to the limits of the run.
            in_a_hurry: whether there is no time for all rungs; asked after the likely ones of the
                first, when all others may be left out but the last rung.
            fits: whether there is time for a probe of all images; asked where rungs are left
                out.
        """
        alone = _alone(entries)
        following = self._next_alone(alone, in_a_hurry, fits)
        joined = of_best(self.ranking(entries)) if following.over and self.joins else None
        if joined is None:
            return following
        begun = [entry.ended for entry in entries if entry.values == joined]
        if begun or not allowed(joined):
            return Next(over=all(begun))
        if self._is_short(alone, in_a_hurry):
            last = len(self.rungs) - 1
            seen = [entry.values for entry in alone if entry.ended and entry.rung == last]
            if not all(part in seen or fits(part) for part in parts(joined)):
                return following
        return Next(joined, len(self.rungs) - 1)

    def _next_alone(
        self,
        entries: Sequence[Probed],
        in_a_hurry: Callable[[], bool],
        fits: Callable[[Values], bool],
    ) -> Next:
        short = self._is_short(entries, in_a_hurry)
        for number in (0, len(self.rungs) - 1) if short else range(len(self.rungs)):
            here = [entry for entry in entries if entry.rung == number]
            field = self._field(entries, number)[: self.rungs[number].size]
            if short:
                some = (
                    at_once(self.candidates, self.rungs, entries, fits) if number else self.likely
                )
                field = [(values, None) for values in some]
                here = [entry for entry in here if entry.values in some]
            begun = [entry.values for entry in here]
            for values, parent in field:
                if values not in begun:
                    return Next(values, number, parent)
            if not all(entry.ended for entry in here):
                return Next()
        # What is left out and runs may still change who won.
        return Next(over=all(entry.ended for entry in entries))

    def _is_short(self, entries: Sequence[Probed], in_a_hurry: Callable[[], bool]) -> bool:
        return is_short(self.likely, len(self.rungs) - 1, entries, in_a_hurry)

    def place(self, following: Next) -> Values:
        """The place of a probe in the search, under KerasTuner's names and one more."""
        images = self.rungs[following.rung].images
        place: Values = {
            "tuner/epochs": 1,
            "tuner/initial_epoch": 0,
            "tuner/bracket": 0,
            "tuner/round": following.rung,
        }
        place |= {} if images is None else {"tuner/images": images}
        return place | ({} if following.parent is None else {"tuner/trial_id": following.parent})

    def _field(self, entries: Sequence[Probed], rung: int) -> list[tuple[Values, str | None]]:
        """Who may enter a rung, in order, with the trial on the rung before."""
        if rung == 0:
            return [(values, None) for values in self.opening]
        below = by_score(entry for entry in entries if entry.rung == rung - 1)
        if rung > 1 or self.opening == self.candidates:
            return [(entry.values, entry.trial_id) for entry in below]
        return [
            (values, entry.trial_id if values == entry.values else None)
            for entry in going_on(below, half(len(self.opening)), self.rungs[0].images)
            for values in self.candidates
            if values[BACKBONE] == entry.values[BACKBONE]
        ]

    def ranking(self, entries: Sequence[Probed]) -> list[Values]:
        """The candidates with a score, those that came furthest first, of these the best first."""
        ranked: list[Values] = []
        for number in reversed(range(len(self.rungs))):
            best = by_score(entry for entry in _alone(entries) if entry.rung == number)
            ranked += [entry.values for entry in best if entry.values not in ranked]
        return ranked


def _alone(entries: Sequence[Probed]) -> list[Probed]:
    """The probes of one backbone each."""
    return [entry for entry in entries if entry.values["family"] == "probe"]


def half(candidates: int) -> int:
    """How many of the candidates of a rung go on."""
    return max(FINALISTS, math.ceil(candidates / 2))
