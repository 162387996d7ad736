"""What a run has taught: which family is ahead, which values mattered and where, what to widen."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from search.config import RunConfig
from search.learnt.edges import edges
from search.learnt.space import Hyperparameter, read_space
from search.learnt.standing import Member, members, standings
from search.learnt.words import ALL, sentences
from search.records import TrialRecord, best_first
from search.store import RunFolder

Space = Mapping[str, Hyperparameter]
Row = dict[str, Any]
FALSE_ALARM = 0.05  # chance that a run in which no value matters is said to have one that does


def learnt(run: RunFolder, records: Sequence[TrialRecord], config: RunConfig) -> Row:
    """All of it, for JSON; empty lists for a preset, and where the space cannot be read.

    Returns:
        "families" (best first), "importance" (a row for each hyperparameter of a family, and of
        "all" for those that families share), "edges", "words" (sentences), and "configurations",
        the number of those drawn that it rests on.
    """
    space = {} if config.preset else read_space(run)
    ranked = _ranked(records, config) if space else []
    drawn = [member for member in ranked if not member.known_good]
    families = _families(ranked, config)
    names = [row["family"] for row in families]
    importance = _importance(space, drawn, names)
    found = [
        edge
        for name in names
        for edge in edges(_of(space, name), name, [m for m in ranked if m.family == name])
    ]
    return {
        "families": families,
        "importance": importance,
        "edges": [asdict(edge) for edge in found],
        "words": sentences(families, importance, found, objective=config.objective),
        "configurations": len(drawn),
    }


def _ranked(records: Sequence[TrialRecord], config: RunConfig) -> list[Member]:
    """The configurations that can be ranked, best score first."""
    known = {member.configuration: member for member in members(records, config)}
    order = best_first([record for record in records if record.finished], config.direction)
    return [known[r.configuration] for r in order if r.configuration in known]


def _families(ranked: Sequence[Member], config: RunConfig) -> list[Row]:
    """A row a family that has a result, the one with the best score first."""
    sign = 1.0 if config.direction == "max" else -1.0
    rows: dict[str, Row] = {}
    for member in ranked:
        row = rows.setdefault(
            member.family,
            {"family": member.family, "configurations": 0, "drawn": 0, "best": None},
        )
        row["configurations"] += 1
        row["drawn"] += not member.known_good
        if row["best"] is None and not member.diverged:
            row["best"] = sign * member.reached[2]
    return list(rows.values())


def _importance(space: Space, drawn: Sequence[Member], families: Sequence[str]) -> list[Row]:
    """Rows of each family in turn, then of all together where there are several.

    The chance of a false alarm is shared out among these questions (Bonferroni).
    """
    questions = [(name, [m for m in drawn if m.family == name]) for name in families]
    if len(families) > 1:
        questions.append((ALL, list(drawn)))
    return [
        row
        for name, those in questions
        for row in _rows(name, _of(space, name), those, questions=len(questions))
    ]


def _rows(family: str, space: Space, drawn: Sequence[Member], *, questions: int) -> list[Row]:
    """What is asked of one family: a row for each hyperparameter, the most important first."""
    from search.learnt.chance import chance_levels
    from search.learnt.good import good_values
    from search.learnt.importance import importances

    standing = standings(drawn)
    values = [member.values for member in drawn]
    heights = [standing[member.configuration] for member in drawn]
    chances = chance_levels(space, values, heights)
    asked = {name: space[name] for name in chances}
    weights = importances(asked, values, heights) if asked else {}
    rows = []
    for name in sorted(weights, key=lambda name: -weights[name]):
        chance = min(1.0, chances[name] * questions)
        matters = chance <= FALSE_ALARM
        rows.append(
            {
                "family": family,
                "name": name,
                "importance": round(weights[name], 4),
                "chance": round(chance, 4),
                "matters": matters,
                "good": good_values(space[name], values, heights) if matters else None,
            }
        )
    return rows


def _of(space: Space, family: str) -> dict[str, Hyperparameter]:
    """A family's own hyperparameters and those that all share, as far as there is a choice."""
    return {
        name: each
        for name, each in space.items()
        if name != "family" and each.family in (None, family) and not each.single
    }
