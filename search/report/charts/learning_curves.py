"""Draw learning curves by family."""

from collections.abc import Sequence
from typing import Any

from search.report.charts.style import Option, cartesian, family_colour, percent, value_axis
from search.report.configurations import Tried

CURVES = 300  # configurations whose curves are drawn


def learning_curves(tried: Sequence[Tried]) -> Option | None:
    """Draw validation accuracy by epoch, each family in its colour.

    Args:
        tried: configurations, of which those of one epoch are left out: they have no curve.

    Returns:
        None where no configuration has a curve.
    """
    curves = [each for each in tried if len(each.curve) > 1]
    drawn = sorted(curves, key=lambda each: -(each.accuracy or 0))[:CURVES]
    if not drawn:
        return None
    return cartesian(
        x=value_axis("epoch") | {"minInterval": 1, "min": 1},
        series=[
            {
                "type": "line",
                "name": family,
                "data": _joined([each for each in drawn if each.family == family]),
                "symbol": "circle",
                "symbolSize": 4,
                "showAllSymbol": True,
                "lineStyle": {"width": 1.2, "opacity": 0.7},
                "itemStyle": {"color": family_colour(family)},
                "emphasis": {"disabled": True},
            }
            for family in dict.fromkeys(each.family for each in drawn)
        ],
    )


def _joined(tried: Sequence[Tried]) -> list[Any]:
    """Join curves in one series, with a gap after each."""
    points: list[Any] = []
    for each in tried:
        points += [
            {"value": [epoch, percent(accuracy)], "name": each.name}
            for epoch, accuracy in each.curve
        ]
        # What is no number ends the line: the next curve begins apart.
        points.append({"value": ["-", "-"]})
    return points
