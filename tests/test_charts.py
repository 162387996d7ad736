"""What is drawn: the values that the charts are given."""

import json
import re
from dataclasses import replace
from importlib.resources import files

import pytest
from searching import VALUES, epoch_logs, trial_record

from models.families.registry import FAMILIES
from models.space import architecture_key
from search.insights.findings import GoodValues, Importance
from search.insights.space import Hyperparameter
from search.overview.timeline import timeline
from search.report.axes import Axis, axes_of
from search.report.charts import learning_curves
from search.report.charts.best_so_far import accuracy_against_time
from search.report.charts.confusion import confusion_heatmap
from search.report.charts.cost import accuracy_against_cost
from search.report.charts.importance import importance_bars
from search.report.charts.parallel import parallel_coordinates
from search.report.charts.style import dots
from search.report.configurations import tried_configurations, with_latencies
from search.report.page import json_for_html
from search.run_folder.records import DIVERGED


def rung(name, configuration, epochs, scores, **changes):
    """A finished trial with that validation accuracy after each of its epochs."""
    first = epochs - len(scores)
    best = max(range(len(scores)), key=lambda k: scores[k])
    return trial_record(
        name,
        scores[best],
        configuration=configuration,
        initial_epoch=first,
        epochs=epochs,
        history=[epoch_logs(first + k, score) for k, score in enumerate(scores)],
        best_epoch=first + best,
        **{"seconds": 60.0, "parameters": 250_000} | changes,
    )


@pytest.fixture
def records():
    other = VALUES | {"family": "xception", "xception/width": 0.5, "xception/blocks": 2}
    return [
        rung("0", "0", 1, [0.5]),
        rung("1", "1", 1, [0.7], values=other, parameters=25_000),
        rung("2", "1", 3, [0.6, 0.8], values=other, parameters=25_000),
        rung("3", "3", 3, [0.7, 0.75, 0.6], values=VALUES | {"learning_rate": 1e-2}),
    ]


@pytest.fixture
def tried(records):
    ranked = [records[2], records[3], records[0]]
    tried = tried_configurations(records, ranked)
    return with_latencies(tried, {architecture_key(VALUES): 0.012})


def series(option, name):
    (found,) = [one for one in option["series"] if one["name"] == name]
    return found["data"]


def test_the_best_so_far_rises_when_a_trial_ends_with_more(records):
    option = accuracy_against_time(timeline(records))
    assert option["xAxis"]["name"] == "minutes"
    assert series(option, "best so far") == [[1, 50.0], [2, 70.0], [3, 80.0], [4, 80.0]]
    assert [dot["value"] for dot in series(option, "xception")] == [[2, 70.0], [3, 80.0]]


def test_a_trial_that_was_promoted_later_counts_with_what_it_had_then(records):
    (first, *_) = series(accuracy_against_time(timeline(records)), "xception")
    assert first["value"][1] == 70.0
    assert first["name"].startswith("70.00 % after 1 epoch\n")


def test_curves_go_on_over_rungs_and_have_the_colour_of_their_family(tried):
    option = learning_curves.learning_curves(tried)
    found = {one["name"]: [point["value"] for point in one["data"]] for one in option["series"]}
    gap = ["-", "-"]
    assert found == {
        "xception": [[1, 70], [2, 60], [3, 80], gap],
        "cnn": [[1, 70], [2, 75], [3, 60], gap],
    }
    dots = accuracy_against_cost(tried, cost="megabytes")["series"]
    colours = {one["name"]: one["itemStyle"]["color"] for one in dots}
    for one in option["series"]:
        assert one["itemStyle"]["color"] == colours[one["name"]]


def test_without_a_second_epoch_there_is_no_curve(tried):
    short = [replace(each, curve=each.curve[:1], epochs=1) for each in tried]
    assert learning_curves.learning_curves(short) is None


def test_no_more_curves_than_can_be_told_apart(tried, monkeypatch):
    monkeypatch.setattr(learning_curves, "CURVES", 1)
    names = [one["name"] for one in learning_curves.learning_curves(tried)["series"]]
    assert names == ["xception"]


def test_the_front_leaves_out_what_is_larger_and_worse(tried):
    option = accuracy_against_cost(tried, cost="megabytes")
    assert series(option, "Pareto front") == [[0.1, 80.0]]
    assert [dot["value"] for dot in series(option, "cnn")] == [[1.0, 75.0], [1.0, 50.0]]
    assert (option["xAxis"]["min"], option["xAxis"]["max"]) == (0.05, 2)


def test_a_probe_of_a_part_of_the_images_is_not_on_the_front(tried):
    lucky = replace(tried[0], accuracy=1.0, megabytes=0.001, images=64)
    option = accuracy_against_cost([*tried, lucky], cost="megabytes")
    assert series(option, "Pareto front") == [[0.1, 80.0]]


def test_what_was_not_measured_is_not_drawn(tried):
    option = accuracy_against_cost(tried, cost="milliseconds")
    names = {one["name"]: one["data"] for one in option["series"]}
    assert set(names) == {"cnn", "Pareto front"}
    assert names["Pareto front"] == [[12.0, 75.0]]


def test_axes_are_what_differs_and_lines_pass_by_what_they_lack(tried):
    space = {
        "learning_rate": Hyperparameter("learning_rate", None, low=1e-4, high=1e-2, log=True),
        "xception/blocks": Hyperparameter("xception/blocks", "xception", values=(2, 3, 4)),
        "xception/width": Hyperparameter("xception/width", "xception", values=(0.25, 0.5)),
        "optimizer": Hyperparameter("optimizer", None, values=("adam", "sgd"), ordered=False),
    }
    two = [tried[1], tried[2]]
    assert [axis.name for axis in axes_of(two, space)] == ["learning_rate"]
    three = [*two, tried[0].__class__(**{**vars(tried[0]), "values": {"xception/blocks": 3}})]
    three.append(tried[0])
    axes = axes_of(three, space)
    assert [(axis.label, axis.kind) for axis in axes] == [
        ("learning rate", "log"),
        ("blocks", "category"),
    ]
    option = parallel_coordinates(three, axes)
    assert [axis["name"] for axis in option["parallelAxis"]] == [
        "learning rate",
        "blocks",
        "accuracy",
    ]
    cells = {tuple(line["value"]) for line in option["series"][0]["data"]}
    assert cells == {(0.001, "-", 50), (0.01, "-", 75), ("-", "3", 80), (0.001, "2", 80)}
    assert option["parallelAxis"][1]["data"] == ["2", "3", "4"]


def test_bars_are_grey_where_chance_does_as_much():
    rows = [
        Importance("cnn", "cnn/filters", 0.1, 0.7, matters=False, good=None),
        Importance("cnn", "learning_rate", 0.5, 0.01, matters=True, good=GoodValues(1e-4, 1e-3)),
    ]
    option = importance_bars(rows)
    assert option["yAxis"]["data"] == ["filters", "learning rate"]
    colours = [bar["itemStyle"]["color"] for bar in option["series"][0]["data"]]
    assert colours == ["--faint", "--accent"]


def test_a_cell_of_the_confusion_matrix_is_what_was_taken_for_what():
    option = confusion_heatmap([[3, 1], [0, 4]], ["cat", "dog\n"])
    cells = {tuple(cell["value"]): cell["name"] for cell in option["series"][0]["data"]}
    assert cells[(1, 0, 1, 0.25)] == "cat taken for dog\\n: 1 (25.0 %)"
    assert (0, 1, 0, 0.0) in cells


def test_json_cannot_end_the_element_that_it_stands_in():
    text = json_for_html({"name": "</script><!-- & \ud800"})
    assert "<" not in text
    assert json.loads(text) == {"name": "</script><!-- & \ud800"}


def test_what_diverged_is_neither_the_best_nor_on_the_front(records):
    lost = rung("4", "4", 3, [0.9, 0.95, 0.1], status=DIVERGED)
    assert lost.accuracy is None
    option = accuracy_against_time(timeline([*records, lost]))
    assert series(option, "best so far")[-1][1] == 80.0
    tried = tried_configurations([*records, lost], [records[2], lost])
    option = accuracy_against_cost(tried, cost="megabytes")
    assert series(option, "Pareto front") == [[0.1, 80.0]]


def test_every_family_has_a_colour_of_its_own_in_both_themes():
    css = files("search.report").joinpath("assets/page.css").read_text()
    light, dark = css.split("@media", 1)
    for theme in (light, dark):
        colours = [
            re.search(rf"{dots(name, [])['itemStyle']['color']}: (#\w+)", theme)[1]
            for name in FAMILIES
        ]
        assert len(set(colours)) == len(FAMILIES)


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.001, "0.001"), (1e-4, "0.0001"), (32, "32"), ("adam", "adam"), (0.1 + 0.2, "0.3")],
)
def test_categories_that_are_numbers_are_written_as_on_other_axes(value, words):
    assert Axis.value_in_words(value) == words
