"""What a search has taught, in plain sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

from search.learnt.edges import Edge
from search.learnt.names import count, human, listed, number, shown

ALL = "all"  # the families together, where hyperparameters are concerned that they share
Row = Mapping[str, Any]

_OBJECTIVES = {
    "val_accuracy": "validation accuracy",
    "val_auc": "validation AUC",
    "val_loss": "validation loss",
}


def sentences(
    families: Sequence[Row], importance: Sequence[Row], edges: Sequence[Edge], *, objective: str
) -> list[str]:
    """All that there is to say, the broadest first.

    Args:
        families: rows "family", "drawn", "best", best family first.
        importance: rows "family", "name", "matters", "good", most important first.
        edges: where the best lie at the end of a range.
        objective: key of `search.config.OBJECTIVES`.
    """
    told = {row["family"] for row in importance if row["matters"]}
    mute = [row for row in families if row["family"] not in told]
    scored = [row for row in families if row["best"] is not None]
    said = [ahead(scored, objective)] if len(scored) > 1 else []
    said += [
        mattered(row["family"], row["drawn"], importance) for row in families if row not in mute
    ]
    if ALL in told:
        drawn = sum(row["drawn"] for row in families)
        said.append(mattered(ALL, drawn, importance))
    if mute:
        said.append(nothing(mute))
    return [*said, *(at_the_end(edge) for edge in edges)]


def ahead(families: Sequence[Row], objective: str) -> str:
    """Which family's best is the best of all, and by how much; families are best first."""
    first, *others = families
    name = _OBJECTIVES[objective]
    more = "less" if objective == "val_loss" else "more"
    parts = [
        f"{abs(first['best'] - row['best']):.4f} {more} than {row['family']}" for row in others
    ]
    return f"{first['family']} is ahead with {first['best']:.4f} {name}, {listed(parts)}."


def mattered(family: str, drawn: int, importance: Sequence[Row]) -> str:
    """Which values mattered for a family, or for all, and where they were good."""
    rows = [row for row in importance if row["family"] == family]
    parts = [
        f"{human(row['name'], family)} ({good(row['good'])})" for row in rows if row["matters"]
    ]
    rest = len(rows) - len(parts)
    whom = "all families together" if family == ALL else family
    tail = f"; {count(rest)} more cannot be told from chance" if rest else ""
    return f"What mattered for {whom}, in {_configurations(drawn)}: {listed(parts)}{tail}."


def good(where: Row) -> str:
    """Where a value was good: "best: batch", or "good from 1e-3 to 3e-3"."""
    if "value" in where:
        return f"best: {shown(where['value'])}"
    low, high = number(where["low"]), number(where["high"])
    return f"good at {low}" if low == high else f"good from {low} to {high}"


def nothing(families: Sequence[Row]) -> str:
    """Of which families nothing is known, one sentence for all of them."""
    first, *others = families
    parts = [
        f"{_configurations(first['drawn'])} of {first['family']}",
        *(f"{row['drawn']} of {row['family']}" for row in others),
    ]
    return (
        f"With {listed(parts)}, known-good ones left out, "
        "no value can be told to matter more than by chance."
    )


def at_the_end(edge: Edge) -> str:
    """Where the best lie at the end of a range, and what to do about it."""
    name = f"{human(edge.name, edge.family)} of {edge.family}"
    who = f"the {count(edge.best)} best" + (" that use it" if edge.partial else "")
    if edge.nearest == edge.furthest:
        extreme = "largest" if edge.upper else "smallest"
        where = f"have its {extreme} value ({number(edge.end)})"
    else:
        where = f"are at its {'upper' if edge.upper else 'lower'} end ({number(edge.end)})"
    if edge.widen is None:
        return f"{name}: {who} {where}."
    low, high = (number(end) for end in edge.widen)
    return f"{name}: {who} {where}; widen it: tune run … --range {edge.name}={low}:{high}"


def _configurations(drawn: int) -> str:
    return "1 configuration" if drawn == 1 else f"{drawn} configurations"
