"""Draw the best accuracy against time."""

from collections.abc import Sequence

from search.overview.timeline import Ended
from search.process.wording import in_percent
from search.report.charts.style import Option, cartesian, dots, line, percent, value_axis
from search.run_folder.records import TrialRecord

_UNITS = ((3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))


def accuracy_against_time(ends: Sequence[Ended]) -> Option:
    """Draw each finished trial when it ended, and the best so far."""
    total = ends[-1].seconds if ends else 0.0
    scale, unit = next((u for u in _UNITS if total >= 2 * u[0]), _UNITS[-1])
    points = [
        (round(end.seconds / scale, 4), percent(accuracy), end.record)
        for end in ends
        if (accuracy := end.record.accuracy) is not None
    ]
    best: list[list[float]] = []
    for when, accuracy, record in points:
        # On a part of the images the best score is luck.
        if record.images is not None:
            continue
        if not best or accuracy > best[-1][1]:
            best.append([when, accuracy])
    if best:
        # On to the end of the search: its last trials may have been no better.
        best.append([round(total / scale, 4), best[-1][1]])
    families = dict.fromkeys(str(record.values["family"]) for *_, record in points)
    return cartesian(
        x=value_axis(unit),
        series=[
            *(
                dots(
                    family,
                    [
                        {"value": [when, accuracy], "name": _trial_name(record)}
                        for when, accuracy, record in points
                        if record.values["family"] == family
                    ],
                )
                for family in families
            ),
            line("best so far", best),
        ],
    )


def _trial_name(record: TrialRecord) -> str:
    epochs = f"{record.epochs} epoch{'' if record.epochs == 1 else 's'}"
    return f"{in_percent(record.accuracy or 0, 2)} after {epochs}\n{record.title}"
