"""Rank configurations that were trained for different numbers of epochs.

Scores after one epoch and after nine are not comparable. But within a bracket of Hyperband (Li et
al. 2018, JMLR 18(185)) all configurations began with the same budget, and the better half or third
of them went on: who came further ranks higher, and among those that came equally far the one
with the better score. The rank is a quantile, so that brackets can be pooled.
Random and Bayesian search have a single bracket, 0.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from search.run_folder.config import RunConfig, objective_of
from search.run_folder.origins import RANDOM
from search.run_folder.records import DIVERGED, FAILED, TrialRecord, Values


@dataclass(frozen=True)
class Member:
    """A configuration that came to a result.

    Attributes:
        configuration: id.
        family: name of its family; empty where there is none.
        bracket: Hyperband's.
        values: its hyperparameters.
        at_random: whether it was drawn at random: one that was given, or drawn because of earlier
            scores, tells nothing of what chance would do.
        reached: better is larger: whether it kept its numbers finite, the epochs that it was
            trained for, and its best score, negated where less is better.
    """

    configuration: str
    family: str
    bracket: int
    values: Values
    at_random: bool
    reached: tuple[bool, int, float]

    @property
    def diverged(self) -> bool:
        """Say whether its loss became infinite or no number."""
        return not self.reached[0]


def members(records: Iterable[TrialRecord], config: RunConfig) -> list[Member]:
    """Choose the configurations that can be ranked: not failed, and with a result.

    One that diverged stands last, wherever it was before: its values did not bear more training.
    """
    rungs: dict[str, list[TrialRecord]] = defaultdict(list)
    for record in records:
        scored = record.score is not None and record.history
        if record.status == DIVERGED or (record.finished and record.status != FAILED and scored):
            rungs[record.configuration].append(record)
    sign = objective_of(config).sign
    # Sorted: what is drawn at random from them must not depend on the order of files.
    return [_member(rungs[name], sign) for name in sorted(rungs)]


def _member(rungs: list[TrialRecord], sign: float) -> Member:
    first = rungs[0]  # all rungs have the same values
    diverged = any(record.status == DIVERGED for record in rungs)
    epochs = max((int(logs["epoch"]) + 1 for r in rungs for logs in r.history), default=0)
    score = max((sign * record.score for record in rungs if record.score is not None), default=0.0)
    reached = (False, 0, 0.0) if diverged else (True, epochs, score)
    family = str(first.values.get("family", ""))
    at_random = not first.baseline and first.origin in ("", RANDOM)
    return Member(first.configuration, family, first.bracket, first.values, at_random, reached)


def ranks(drawn: Iterable[Member]) -> dict[str, float]:
    """Rank each among its family's members of its bracket, 0 (worst) to 1 (best).

    Midranks, (rank - 1/2) / n, so that a member alone stands in the middle. Ties are averaged.
    Iterations of Hyperband have the same budgets, so that their brackets are pooled.
    """
    groups: dict[tuple[str, int], list[Member]] = defaultdict(list)
    for member in drawn:
        groups[member.family, member.bracket].append(member)
    ranked = {}
    for group in groups.values():
        order = sorted(member.reached for member in group)
        first = {reached: place for place, reached in reversed(list(enumerate(order)))}
        last = {reached: place for place, reached in enumerate(order)}
        for member in group:
            # Places count from 0: their mean, plus 1 for the rank, less 1/2.
            place = (first[member.reached] + last[member.reached] + 1) / 2
            ranked[member.configuration] = place / len(group)
    return ranked
