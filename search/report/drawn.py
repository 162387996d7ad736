"""Every chart of a report."""

from collections import defaultdict
from typing import Any

from search.insights.findings import Importance
from search.report.axes import axes_of
from search.report.charts.best_so_far import accuracy_against_time
from search.report.charts.confusion import confusion_heatmap
from search.report.charts.cost import accuracy_against_cost
from search.report.charts.importance import importance_bars
from search.report.charts.learning_curves import learning_curves
from search.report.charts.parallel import parallel_coordinates
from search.report.charts.style import Option
from search.report.contents import Contents

CLASSES = 40  # classes in the confusion matrix at most


def every_chart(contents: Contents) -> dict[str, Option]:
    """Every chart by the id of its place in the page."""
    found = {
        "time": accuracy_against_time(contents.ends),
        "curves": learning_curves(contents.tried),
        "size": accuracy_against_cost(contents.tried, cost="megabytes"),
        "latency": accuracy_against_cost(contents.tried, cost="milliseconds"),
    }
    importance = importance_of(contents)
    for family in families(contents):
        scored = [one for one in family["tried"] if one.accuracy is not None]
        if axes := axes_of(scored, contents.space):
            lines = parallel_coordinates(scored, axes)
            found[f"parallel-{family['name']}"] = lines
    for name, rows in importance.items():
        found[f"importance-{name}"] = importance_bars(rows)
    answers, class_names = contents.answers, contents.data.class_names
    if answers and len(class_names) <= CLASSES:
        found["confusion"] = confusion_heatmap(answers.confusion_matrix, class_names)
    return found


def families(contents: Contents) -> list[dict[str, Any]]:
    """Each family with its configurations, the best family first."""
    return [
        {"name": name, "tried": [one for one in contents.tried if one.family == name]}
        for name in dict.fromkeys(one.family for one in contents.tried)
    ]


def importance_of(contents: Contents) -> dict[str, list[Importance]]:
    """What the hyperparameters of each family decided, and of "all" what families share."""
    found: dict[str, list[Importance]] = defaultdict(list)
    for row in contents.insights.importance:
        found[row.family].append(row)
    return found
