"""Draw parallel coordinates of configurations."""

from collections.abc import Sequence
from typing import Any

from search.report.axes import Axis
from search.report.charts.style import SHADES, Option, percent, rounded, tooltip
from search.report.configurations import Tried

_NARROW = 640  # pixels of width below which it is laid out for a phone
_WHOLE_NAME = {"nameTruncate": {"maxWidth": 160}}
_LABEL = {
    "backgroundColor": "--panel",
    "padding": [1, 3],
    "hideOverlap": True,
}  # lines pass behind it


def parallel_coordinates(tried: Sequence[Tried], axes: Sequence[Axis]) -> Option:
    """Draw one line per configuration through its values, coloured by its accuracy.

    Args:
        tried: configurations of one family that have an accuracy.
        axes: what they differ in.
    """
    # The best are drawn last, over the others.
    ranked = sorted(tried, key=lambda each: each.accuracy or 0.0)
    scores = [percent(each.accuracy) for each in ranked]
    accuracy = _WHOLE_NAME | {
        "name": "accuracy",
        "scale": True,
        "axisLabel": _LABEL | {"formatter": "{value} %"},
    }
    return {
        "parallel": {"bottom": 16},
        "tooltip": tooltip(),
        "parallelAxis": [
            {"dim": number} | option for number, option in enumerate([*map(_axis, axes), accuracy])
        ],
        "visualMap": {
            "show": False,
            "dimension": len(axes),
            "min": min(scores, default=0),
            "max": max(scores, default=100),
            "inRange": {"color": SHADES},
        },
        "series": [
            {
                "type": "parallel",
                "lineStyle": {"width": 1.6, "opacity": 0.75 if len(ranked) < 100 else 0.35},
                "emphasis": {"lineStyle": {"width": 4, "opacity": 1}},
                "data": [
                    {"name": each.name, "value": [*(_cell(each, axis) for axis in axes), score]}
                    for each, score in zip(ranked, scores, strict=True)
                ],
            }
        ],
        # The second is for all other widths: a window that was narrow can be made wide again.
        "media": [
            {"query": {"maxWidth": _NARROW}, "option": _lying(len(axes) + 1)},
            {"option": _standing(len(axes))},
        ],
    }


def _lying(axes: int) -> Option:
    """Place the axes from left to right for narrow windows, their names before them."""
    named = {"nameLocation": "start", "nameRotate": 0, "nameTextStyle": {"align": "right"}}
    return {
        "parallel": {"layout": "vertical", "left": 126, "right": 24, "top": 24},
        "parallelAxis": [named] * axes,
    }


def _standing(axes: int) -> Option:
    """Make axes from bottom to top, their names slanted, that of the accuracy straight."""
    slanted = {"nameLocation": "end", "nameRotate": 35, "nameTextStyle": {"align": "left"}}
    straight = {"nameLocation": "end", "nameRotate": 0, "nameTextStyle": {"align": "center"}}
    return {
        "parallel": {"layout": "horizontal", "left": 24, "right": 64, "top": 96},
        "parallelAxis": [*[slanted] * axes, straight],
    }


def _axis(axis: Axis) -> Option:
    option: Option = {"name": axis.label, "type": axis.kind, "axisLabel": _LABEL} | _WHOLE_NAME
    return option | ({"data": list(axis.values)} if axis.values else {"scale": True})


def _cell(each: Tried, axis: Axis) -> Any:
    value = each.values.get(axis.name)
    if value is None:
        return "-"
    return axis.value_in_words(value) if axis.values else rounded(float(value))
