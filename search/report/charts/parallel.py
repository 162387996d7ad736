"""Parallel coordinates of configurations."""

from collections.abc import Sequence
from typing import Any

from search.insights.names import value_in_words
from search.report.axes import Axis
from search.report.charts.style import SHADES, Option, percent, rounded, tooltip
from search.report.configurations import Tried

_NARROW = 640  # pixels of width below which it is laid out for a phone
_WHOLE_NAME = {"nameTruncate": {"maxWidth": 160}}


def parallel_coordinates(tried: Sequence[Tried], axes: Sequence[Axis]) -> Option:
    """One line a configuration through its values, coloured by its accuracy.

    Args:
        tried: configurations of one family that have an accuracy.
        axes: what they differ in.
    """
    ranked = sorted(tried, key=lambda one: one.accuracy or 0.0)
    scores = [percent(one.accuracy) for one in ranked]
    accuracy = _WHOLE_NAME | {
        "name": "accuracy",
        "scale": True,
        "axisLabel": {"formatter": "{value} %"},
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
                    {"name": one.name, "value": [*(_cell(one, axis) for axis in axes), score]}
                    for one, score in zip(ranked, scores, strict=True)
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
    """For narrow windows: axes from left to right, one below the other, their names before them."""
    named = {"nameLocation": "start", "nameRotate": 0, "nameTextStyle": {"align": "right"}}
    return {
        "parallel": {"layout": "vertical", "left": 126, "right": 24, "top": 24},
        "parallelAxis": [named] * axes,
    }


def _standing(axes: int) -> Option:
    """Axes from bottom to top, their names slanted above them, that of the accuracy straight."""
    slanted = {"nameLocation": "end", "nameRotate": 35, "nameTextStyle": {"align": "left"}}
    straight = {"nameLocation": "end", "nameRotate": 0, "nameTextStyle": {"align": "center"}}
    return {
        "parallel": {"layout": "horizontal", "left": 24, "right": 64, "top": 96},
        "parallelAxis": [*[slanted] * axes, straight],
    }


def _axis(axis: Axis) -> Option:
    option: Option = {"name": axis.label, "type": axis.kind} | _WHOLE_NAME
    return option | ({"data": list(axis.values)} if axis.values else {"scale": True})


def _cell(one: Tried, axis: Axis) -> Any:
    value = one.values.get(axis.name)
    if value is None:
        return "-"
    return value_in_words(value) if axis.values else rounded(float(value))
