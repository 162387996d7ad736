"""Learning curves by rung."""

from collections.abc import Sequence
from typing import Any

from search.report.charts.style import SHADES, Option, cartesian, percent, value_axis
from search.report.configurations import Tried

CURVES = 300  # configurations whose curves are drawn


def learning_curves(tried: Sequence[Tried]) -> Option:
    """Validation accuracy by epoch, configurations grouped by how far they were let go."""
    drawn = sorted((one for one in tried if one.curve), key=lambda one: -(one.accuracy or 0))[
        :CURVES
    ]
    budgets = sorted({one.epochs for one in drawn})
    return cartesian(
        x=value_axis("epoch") | {"minInterval": 1},
        series=[
            {
                "type": "line",
                "name": f"{budget} epoch{'' if budget == 1 else 's'}",
                "data": _joined([one for one in drawn if one.epochs == budget]),
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
    """Curves one after another in one series, with a gap after each."""
    points: list[Any] = []
    for one in tried:
        points += [
            {"value": [epoch, percent(accuracy)], "name": one.name} for epoch, accuracy in one.curve
        ]
        points.append({"value": ["-", "-"]})
    return points


def _shade(number: int, count: int) -> str:
    """The shades spread over what there is."""
    return SHADES[-1] if count == 1 else SHADES[round((len(SHADES) - 1) * number / (count - 1))]
