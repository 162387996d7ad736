"""Draw learning curves by rung."""

from collections.abc import Sequence
from typing import Any

from search.report.charts.style import SHADES, Option, cartesian, percent, value_axis
from search.report.configurations import Tried

CURVES = 300  # configurations whose curves are drawn


def learning_curves(tried: Sequence[Tried]) -> Option:
    """Draw validation accuracy by epoch, configurations grouped by how far they were trained."""
    drawn = sorted((each for each in tried if each.curve), key=lambda each: -(each.accuracy or 0))[
        :CURVES
    ]
    budgets = sorted({each.epochs for each in drawn})
    return cartesian(
        x=value_axis("epoch") | {"minInterval": 1},
        series=[
            {
                "type": "line",
                "name": f"{budget} epoch{'' if budget == 1 else 's'}",
                "data": _joined([each for each in drawn if each.epochs == budget]),
                "symbol": "circle",
                "symbolSize": 4,
                "showAllSymbol": True,
                "lineStyle": {"width": 1.2, "opacity": 0.7},
                "itemStyle": {"color": _shade(number, len(budgets))},
                "emphasis": {"disabled": True},
            }
            for number, budget in enumerate(budgets)
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


def _shade(number: int, count: int) -> str:
    """Spread the shades over the groups."""
    return SHADES[-1] if count == 1 else SHADES[round((len(SHADES) - 1) * number / (count - 1))]
