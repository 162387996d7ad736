"""Say what a search has taught, in plain sentences."""

from collections.abc import Sequence

from search.evaluation.objective import Objective
from search.insights.family_comparison import ahead
from search.insights.findings import Edge, FamilyResult, GoodValues, Importance
from search.insights.names import count, exact, human, listed, number, value_in_words
from search.process.printable import shell_word

ALL = "all"  # the families together, where hyperparameters are concerned that they share
NOT_AT_RANDOM = "The values were not drawn at random: what mattered cannot be told from chance."
ONLY_KNOWN_GOOD = "Only configurations that were given were tried: there is nothing to learn from."
NONE_AT_RANDOM = (
    "No configuration was drawn at random yet: what mattered cannot be told from chance."
)


def sentences(
    families: Sequence[FamilyResult],
    importance: Sequence[Importance],
    edges: Sequence[Edge],
    *,
    objective: Objective,
    images: int | None = None,
    at_random: bool = True,
) -> list[str]:
    """Say all that there is to say, the broadest first.

    Args:
        families: best family first.
        importance: most important first.
        edges: where the best lie at the end of a range.
        objective: what the scores are.
        images: number of validation images; None where it is not known.
        at_random: whether values were drawn at random; if not, only families are compared.
    """
    decided = {row.family for row in importance if row.matters}
    undecided = [row for row in families if row.drawn and row.family not in decided]
    scored = [(row.family, row.best) for row in families if row.best is not None]
    lines = [ahead(scored, objective, images)] if len(scored) > 1 else []
    # Without random values chance has no meaning: only families are compared.
    if families and not at_random:
        return [*lines, NOT_AT_RANDOM]
    lines += [
        mattered(row.family, row.drawn, importance) for row in families if row.family in decided
    ]
    if ALL in decided:
        drawn = sum(row.drawn for row in families)
        lines.append(mattered(ALL, drawn, importance))
    if undecided:
        lines.append(nothing(undecided))
    elif families and not decided:
        given = all(row.given for row in families)
        lines.append(ONLY_KNOWN_GOOD if given else NONE_AT_RANDOM)
    return [*lines, *(at_the_end(edge) for edge in edges)]


def mattered(family: str, drawn: int, importance: Sequence[Importance]) -> str:
    """Say which values mattered for a family, or for all, and where they were good."""
    rows = [row for row in importance if row.family == family]
    parts = [
        f"{human(row.name, family)} ({good(row.good)})" for row in rows if row.matters and row.good
    ]
    others = len(rows) - len(parts)
    subject = "all families together" if family == ALL else family
    tail = f"; {count(others)} more cannot be told from chance" if others else ""
    return f"What mattered for {subject}, in {_configurations(drawn)}: {listed(parts)}{tail}."


def good(where: GoodValues) -> str:
    """Say where a value was good: "best: batch", or "good from 1e-3 to 3e-3"."""
    if where.value is not None:
        return f"best: {value_in_words(where.value)}"
    low, high = (number(end) for end in (where.low, where.high) if end is not None)
    return f"good at {low}" if low == high else f"good from {low} to {high}"


def nothing(families: Sequence[FamilyResult]) -> str:
    """Say of which families nothing is known, in one sentence for all of them."""
    first, *others = families
    parts = [
        f"{_configurations(first.drawn)} of {first.family}",
        *(f"{row.drawn} of {row.family}" for row in others),
    ]
    return (
        f"With {listed(parts)} drawn at random, no value can be told to matter more than by chance."
    )


def at_the_end(edge: Edge) -> str:
    """Say where the best lie at the end of a range, and what to do about it."""
    name = f"{human(edge.name, edge.family)} of {edge.family}"
    who = f"the {count(edge.best)} best" + (" that use it" if edge.partial else "")
    if edge.nearest == edge.furthest:
        extreme = "largest" if edge.upper else "smallest"
        where = f"have its {extreme} value ({exact(edge.end)})"
    else:
        where = f"are at its {'upper' if edge.upper else 'lower'} end ({exact(edge.end)})"
    if edge.widen is None:
        return f"{name}: {who} {where}."
    low, high = (exact(end) for end in edge.widen)
    ends = shell_word(f"{edge.name}={low}:{high}")
    return f"{name}: {who} {where}; widen it: tune run … --range {ends}"


def _configurations(drawn: int) -> str:
    return "1 configuration" if drawn == 1 else f"{drawn} configurations"
