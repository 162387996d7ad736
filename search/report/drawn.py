"""Draw every chart of a report."""

from collections import defaultdict
from typing import NamedTuple

from search.insights.findings import Importance
from search.report.axes import axes_of
from search.report.charts.best_so_far import accuracy_against_time
from search.report.charts.confusion import confusion_heatmap
from search.report.charts.cost import accuracy_against_cost
from search.report.charts.importance import importance_bars
from search.report.charts.learning_curves import learning_curves
from search.report.charts.parallel import parallel_coordinates
from search.report.charts.race import race_of_backbones
from search.report.charts.style import Option
from search.report.configurations import Tried
from search.report.contents import Contents

CLASSES = 40  # classes in the confusion matrix at most


def every_chart(contents: Contents) -> dict[str, Option]:
    """Draw every chart, by the id of its place in the page."""
    charts = {
        "time": accuracy_against_time(contents.ends),
        "size": accuracy_against_cost(contents.tried, cost="megabytes"),
        "latency": accuracy_against_cost(contents.tried, cost="milliseconds"),
    }
    if curves := learning_curves(contents.tried):
        charts["curves"] = curves
    if race := race_of_backbones(contents.race, train=contents.data.splits.train):
        charts["race"] = race
    importance = importance_of(contents)
    for family in families(contents):
        scored = [each for each in family.tried if each.accuracy is not None]
        # Without axes, one configuration or all alike, there is nothing to compare.
        if axes := axes_of(scored, contents.space):
            lines = parallel_coordinates(scored, axes)
            charts[f"parallel-{family.name}"] = lines
    for name, rows in importance.items():
        charts[f"importance-{name}"] = importance_bars(rows)
    answers, class_names = contents.answers, contents.data.class_names
    if answers and len(class_names) <= CLASSES:
        charts["confusion"] = confusion_heatmap(answers.confusion_matrix, class_names)
    return charts


class TriedFamily(NamedTuple):
    """A family and its configurations, best first."""

    name: str
    tried: list[Tried]


def families(contents: Contents) -> list[TriedFamily]:
    """Group the configurations by family, the best family first."""
    return [
        TriedFamily(name, [each for each in contents.tried if each.family == name])
        for name in dict.fromkeys(each.family for each in contents.tried)
    ]


def importance_of(contents: Contents) -> dict[str, list[Importance]]:
    """Group importances by family, and by "all" those that families share."""
    rows: dict[str, list[Importance]] = defaultdict(list)
    for row in contents.insights.importance:
        rows[row.family].append(row)
    return rows
