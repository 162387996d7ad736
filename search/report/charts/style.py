"""Make what the charts share, as Apache ECharts takes it: plain values, drawn by the page.

A colour that begins with "--" is a variable of the page's style, so that one chart serves light
and dark. Names of the user's are drawn on a canvas and never read as HTML.
"""

from typing import Any
from zlib import crc32

from models.families.registry import FAMILIES

Option = dict[str, Any]

_OTHER_COLOURS = 3  # of the page's style, for families of users
SHADES = [f"--step-{number}" for number in range(1, 7)]
_ACCURACY = {
    "type": "value",
    "name": "validation accuracy",
    "nameLocation": "middle",
    "nameGap": 46,
    "scale": True,
    "axisLabel": {"formatter": "{value} %"},
}


def percent(share: float | None) -> float:
    """Convert 0.95333 to 95.33; what was not measured counts as 0."""
    return round(100 * (share or 0.0), 2)


def rounded(number: float) -> float:
    """Round to four digits, so that a page does not carry more than it shows."""
    return float(f"{number:.4g}")


def cartesian(*, x: Option, series: list[Option]) -> Option:
    """Draw validation accuracy against something else, with a legend."""
    return {
        "grid": {"left": 8, "right": 20, "top": 40, "bottom": 8},
        "legend": {"top": 4, "type": "scroll"},
        "tooltip": tooltip(),
        "xAxis": x,
        "yAxis": _ACCURACY,
        "series": series,
    }


def tooltip() -> Option:
    """Show the name of what the pointer is on, as text."""
    # What it says, the page fills in: a template here would be encoded as for HTML.
    return {"trigger": "item", "renderMode": "richText", "confine": True}


def value_axis(name: str) -> Option:
    """Make a horizontal axis of numbers."""
    return {"type": "value", "name": name, "nameLocation": "middle", "nameGap": 28}


def family_colour(family: str) -> str:
    """One colour through the whole report: by its place among all families, else by its name."""
    if family in FAMILIES:
        return f"--family-{list(FAMILIES).index(family) + 1}"
    return f"--family-{len(FAMILIES) + 1 + crc32(family.encode()) % _OTHER_COLOURS}"


def dots(family: str, data: list[Option]) -> Option:
    """Draw what belongs to a family, in its colour."""
    return {
        "type": "scatter",
        "name": family,
        "symbolSize": 9,
        "itemStyle": {"color": family_colour(family), "opacity": 0.8},
        "data": data,
    }


def line(name: str, data: list[Any]) -> Option:
    """Draw steps: what has been reached from here on."""
    return {
        "type": "line",
        "name": name,
        "step": "end",
        "data": data,
        "showSymbol": False,
        "silent": True,
        "lineStyle": {"width": 2, "color": "--ink"},
        "itemStyle": {"color": "--ink"},
    }
