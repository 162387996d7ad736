"""Find what a run has taught: which family is ahead, which values mattered, what to widen.

The promise: of a run in which no value makes a difference, anything about values or ends of ranges
is said with a probability of 5 % at most, all families and both kinds of sentences together.
Whether a family is ahead is not part of that, see `search.insights.family_comparison`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress

from search.algorithms.registry import algorithm_of
from search.errors import TuneError
from search.insights.findings import FamilyResult, Importance, Insights
from search.insights.range_edges import edges
from search.insights.ranks import Member, members, ranks
from search.insights.sentences import ALL, sentences
from search.insights.space import Hyperparameter, read_space
from search.run_folder.config import RunConfig, objective_of
from search.run_folder.data_summary import DataSummary
from search.run_folder.origins import GIVEN
from search.run_folder.paths import RunFolder
from search.run_folder.ranking import best_first
from search.run_folder.records import DIVERGED, TrialRecord

Space = Mapping[str, Hyperparameter]
FALSE_ALARM = 0.05  # chance that anything is said of values that make no difference
VALUES, ENDS = 0.7, 0.3  # how it is shared out: to which values mattered, and to ends of ranges


def find_insights(run: RunFolder, records: Sequence[TrialRecord], config: RunConfig) -> Insights:
    """Find all that a run has taught; nothing for a preset, and where the space cannot be read.

    Values that were proposed because of earlier scores go with scores by design: of a Bayesian
    search only the families are compared, of Hyperband only what was drawn at random is judged.
    """
    space = {} if config.preset else read_space(run)
    ended = [record for record in records if record.finished] if space else []
    # Only what has ended: a trial on its way would rank below those that went further.
    known = {member.configuration: member for member in members(ended, config)}
    order = best_first(ended, objective_of(config))
    ranked = [known[r.configuration] for r in order if r.configuration in known]
    drawn = [member for member in ranked if member.at_random]
    families = _families(order, known)
    at_random = algorithm_of(config).drawn_at_random
    names = [row.family for row in families if row.drawn] if at_random else []
    importance = _importance(space, drawn, names)
    # Shared out among the families, as the values' part is in `_importance`.
    level = FALSE_ALARM * ENDS / max(1, len(names))
    at_ends = tuple(
        edge
        for name in names
        for edge in edges(
            _of(space, name), name, [m for m in ranked if m.family == name], level=level
        )
    )
    words = sentences(
        families,
        importance,
        at_ends,
        objective=objective_of(config),
        images=_validation_images(run),
        at_random=at_random,
    )
    return Insights(families, importance, at_ends, tuple(words), configurations=len(drawn))


def _validation_images(run: RunFolder) -> int | None:
    """Read on how many images a score rests; None where that is not known."""
    with suppress(TuneError):
        return DataSummary.load(run).splits.validation
    return None


def _families(
    order: Sequence[TrialRecord], known: Mapping[str, Member]
) -> tuple[FamilyResult, ...]:
    """Say what each family reached that has a result, in the order in which `tune show` has them.

    The score of a rung stays true where the configuration failed or diverged on a later one:
    that only counts against its values.

    Args:
        order: one record per configuration, best first.
        known: the configurations that can be ranked.
    """
    grouped: dict[str, list[TrialRecord]] = defaultdict(list)
    for record in order:
        grouped[str(record.values.get("family", ""))].append(record)
    # Scores on a part of the images say nothing beside scores on all.
    part = all(record.images is not None for record in order)
    results = [_family(name, records, known, part=part) for name, records in grouped.items()]
    return tuple(row for row in results if row.configurations or row.best is not None)


def _family(
    name: str, order: Sequence[TrialRecord], known: Mapping[str, Member], *, part: bool
) -> FamilyResult:
    ranked = [known[r.configuration] for r in order if r.configuration in known]
    whole = (r for r in order if part or r.images is None)
    scores = (r.score for r in whole if r.status != DIVERGED and r.score is not None)
    drawn = sum(member.at_random for member in ranked)
    given = all(r.baseline or r.origin in GIVEN for r in order)
    return FamilyResult(name, len(ranked), drawn, best=next(scores, None), given=given)


def _importance(
    space: Space, drawn: Sequence[Member], families: Sequence[str]
) -> tuple[Importance, ...]:
    """Weigh the hyperparameters of each family in turn, then of all together if there are several.

    What values have of the chance of a false alarm is shared out among these questions
    (Bonferroni), by making the chances larger: 5 % is the limit for each of them.
    """
    questions = [(name, [m for m in drawn if m.family == name]) for name in families]
    if len(families) > 1:
        questions.append((ALL, list(drawn)))
    return tuple(
        row
        for name, asked in questions
        for row in _rows(name, _of(space, name), asked, share=VALUES / len(questions))
    )


def _rows(family: str, space: Space, drawn: Sequence[Member], *, share: float) -> list[Importance]:
    """Weigh the hyperparameters of one family, the most important first."""
    from search.insights.good_values import good_values
    from search.insights.importance import importances
    from search.insights.permutation_test import chance_levels

    rank_of = ranks(drawn)
    values = [member.values for member in drawn]
    heights = [rank_of[member.configuration] for member in drawn]
    chances = chance_levels(space, values, heights)
    asked = {name: space[name] for name in chances}
    weights = importances(asked, values, heights) if asked else {}
    rows = []
    for name in sorted(weights, key=lambda name: -weights[name]):
        chance = min(1.0, chances[name] / share)
        matters = chance <= FALSE_ALARM
        rows.append(
            Importance(
                family=family,
                name=name,
                importance=round(weights[name], 4),
                chance=round(chance, 4),
                matters=matters,
                good=good_values(space[name], values, heights) if matters else None,
            )
        )
    return rows


def _of(space: Space, family: str) -> dict[str, Hyperparameter]:
    """Choose a family's own hyperparameters and those that all share, if there is a choice."""
    return {
        name: each
        for name, each in space.items()
        if name != "family" and each.family in (None, family) and not each.single
    }
