"""Draw the importance of hyperparameters."""

from collections.abc import Sequence

from search.insights.findings import Importance
from search.insights.names import human
from search.process.wording import in_percent
from search.report.charts.style import Option, tooltip


def importance_bars(rows: Sequence[Importance]) -> Option:
    """Draw how much each hyperparameter decided, the most at the top; grey what chance could do."""
    # Ascending: the first category stands at the bottom.
    ordered = sorted(rows, key=lambda row: row.importance)
    return {
        "grid": {"left": 8, "right": 24, "top": 8, "bottom": 8},
        "tooltip": tooltip(),
        "xAxis": {"type": "value", "axisLabel": {"show": False}},
        "yAxis": {
            "type": "category",
            "data": [human(row.name, row.family) for row in ordered],
        },
        "series": [
            {
                "type": "bar",
                "barMaxWidth": 18,
                "data": [
                    {
                        "value": round(row.importance, 4),
                        "name": f"importance {row.importance:.2f}\n{_by_chance(row)}",
                        "itemStyle": {"color": "--accent" if row.matters else "--faint"},
                    }
                    for row in ordered
                ],
            }
        ],
    }


def _by_chance(row: Importance) -> str:
    if row.chance > 0.5:
        return "shuffled scores show as much more often than not"
    return f"shuffled scores show as much in {in_percent(row.chance)} of the cases at most"
