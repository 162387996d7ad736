"""Draw a confusion matrix."""

from collections.abc import Sequence

from search.process.printable import printable
from search.process.wording import in_percent
from search.report.charts.style import Option, tooltip


def confusion_heatmap(matrix: Sequence[Sequence[int]], class_names: Sequence[str]) -> Option:
    """Draw what was taken for what: rows are what images are, columns what they were taken for."""
    names = [printable(label)[:24] for label in class_names]
    return {
        "grid": {"left": 8, "right": 8, "top": 40, "bottom": 8},
        "tooltip": tooltip(),
        "xAxis": {
            "type": "category",
            "data": names,
            "position": "top",
            "name": "taken for",
            "nameLocation": "middle",
            "nameGap": 28,
            "axisLabel": {"rotate": 45 if len(names) > 6 else 0},
        },
        "yAxis": {"type": "category", "data": names, "inverse": True},
        "visualMap": {
            "show": False,
            "dimension": 3,  # the share of the row: classes may differ much in size
            "min": 0,
            "max": 1,
            "inRange": {"color": ["--panel", "--accent"]},
        },
        "series": [
            {
                "type": "heatmap",
                "label": {"show": len(names) <= 12, "formatter": "{@[2]}", "fontSize": 14},
                "itemStyle": {"borderColor": "--line", "borderWidth": 1},
                "data": [
                    _cell(names, row, column, count, of=max(sum(counts), 1))
                    for row, counts in enumerate(matrix)
                    for column, count in enumerate(counts)
                ],
            }
        ],
    }


def _cell(names: Sequence[str], row: int, column: int, count: int, *, of: int) -> Option:
    share = count / of
    return {
        "value": [column, row, count, round(share, 4)],
        "name": f"{names[row]} taken for {names[column]}: {count:,} ({in_percent(share)})",
        "label": {"color": "--on-accent" if share > 0.5 else "--ink"},
    }
