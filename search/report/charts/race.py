"""Draw the race of backbones: what each probe scored on how many images."""

from collections.abc import Sequence
from typing import Any

from search.overview.race import JOINED, backbone_of, image_side, probes
from search.process.wording import duration_in_words, in_percent
from search.report.charts.style import SHADES, Option, cartesian, percent, value_axis
from search.run_folder.records import TrialRecord


def race_of_backbones(records: Sequence[TrialRecord], *, train: int) -> Option | None:
    """Draw a line for each backbone and image size, those that saw all images in colour.

    Args:
        records: of the run.
        train: images to train on, in all.

    Returns:
        None where there was no race.
    """
    raced = [rungs for rungs in probes(records).values() if rungs[-1].accuracy is not None]
    if not raced:
        return None
    raced.sort(key=lambda rungs: (rungs[-1].images is None, rungs[-1].accuracy or 0.0))
    chart = cartesian(
        x=value_axis("images trained on") | {"type": "log", "min": "dataMin", "max": "dataMax"},
        series=[_line(rungs, train) for rungs in raced],
    )
    # More names than fit: what a line is, the pointer says.
    return chart | {"legend": {"show": False}, "grid": chart["grid"] | {"top": 16, "right": 150}}


def _line(rungs: list[TrialRecord], train: int) -> dict[str, Any]:
    values = rungs[-1].values
    backbone, side = backbone_of(values), image_side(values)
    name = f"{backbone}, {side} px"
    survived = rungs[-1].images is None
    colour = "--family-1" if survived else SHADES[1]
    return {
        "type": "line",
        # Two names side by side are longer than there is room for; the pointer says which.
        "name": f"joined, {side} px" if JOINED in backbone else name,
        "data": [_point(rung, name, train) for rung in rungs if rung.accuracy is not None],
        "symbol": "circle",
        "symbolSize": 7,
        "lineStyle": {"width": 2 if survived else 1.2, "color": colour},
        "itemStyle": {"color": colour},
        "endLabel": {"show": survived, "formatter": "{a}", "color": "--ink", "lineHeight": 16},
        "labelLayout": {"moveOverlap": "shiftY"},
    }


def _point(rung: TrialRecord, name: str, train: int) -> Option:
    images = rung.images or train
    took = duration_in_words(rung.seconds)
    return {
        "value": [images, percent(rung.accuracy)],
        "name": f"{in_percent(rung.accuracy or 0, 2)} on {images:,} images\n{name}, {took}",
    }
