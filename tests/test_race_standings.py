"""How the race of backbones is told: in the report's chart, by `tune show`, in the plan."""

from dataclasses import replace

import pytest
from searching import run_config, trial_record

from search.algorithms.registry import make_plan
from search.overview.race import race_in_words, standings
from search.report.charts.race import race_of_backbones
from search.run_folder.origins import EARLIER, RACE
from search.run_folder.records import FAILED
from search.tuning.planning.print_plan import race_in_plan


def probe(trial_id, configuration, score, *, side=160, **changes):
    values = {"family": "probe", "probe/backbone": "mobilenet_v2", "probe/image_size": side}
    history = [] if score is None else [{"epoch": 0, "val_accuracy": score, "val_loss": 0.1}]
    record = trial_record(trial_id, score, values=values, epochs=1, history=history, seconds=2.0)
    return record.with_outcome(configuration=configuration, best_epoch=0, baseline=True, **changes)


@pytest.fixture
def records():
    """Two sizes on 200 images, of which the second failed; the first on all."""
    return [
        probe("0000", "0000", 0.8, images=200),
        probe("0001", "0001", 0.9, side=224, images=200),
        probe("0002", "0002", None, side=96, images=200, status=FAILED),
        probe("0003", "0000", 0.7, rung=1),
    ]


@pytest.mark.parametrize(("origin", "raced"), [("", 2), (RACE, 2), (EARLIER, 0)])
def test_what_an_update_tries_again_is_no_race(records, origin, raced):
    records = [replace(record, origin=origin) for record in records if record.score]
    assert len(standings(records, sign=1.0)) == raced


def test_who_saw_all_images_stands_before_who_scored_more_on_few(records):
    first, second, last = standings(records, sign=1.0)
    assert (first.image_size, first.images, first.score, first.seconds) == (160, None, 0.7, 4.0)
    assert (second.image_size, second.images) == (224, 200)
    assert (last.image_size, last.score) == (96, None)


def test_of_equal_scores_the_one_with_the_likelier_answers_stands_first_as_in_the_race():
    sure, unsure = probe("0000", "0000", 0.7), probe("0001", "0001", 0.7, side=224)
    unsure.history[0]["val_loss"] = 0.3
    for records in ([sure, unsure], [unsure, sure]):
        assert [each.image_size for each in standings(records, sign=1.0)] == [160, 224]


def test_the_race_is_said_in_one_line(records):
    assert race_in_words(standings(records, sign=1.0)) == (
        "race of 3 backbones and sizes: mobilenet_v2 at 160 px 0.7000, "
        "then mobilenet_v2 at 224 px 0.9000 on 200 images"
    )
    assert race_in_words(standings(records[:1], sign=1.0)).startswith("race of one backbone")
    assert race_in_words(()) == ""


def test_each_candidate_is_a_line_and_the_survivors_have_names(records):
    lines = race_of_backbones(records, train=1_400)["series"]
    assert [line["name"] for line in lines] == ["mobilenet_v2, 224 px", "mobilenet_v2, 160 px"]
    assert [line["endLabel"]["show"] for line in lines] == [False, True]
    assert [point["value"] for point in lines[1]["data"]] == [[200, 80.0], [1_400, 70.0]]
    assert lines[1]["data"][1]["name"].startswith("70.00 % on 1,400 images")
    assert race_of_backbones([], train=1_400) is None


def test_the_plan_says_the_race_before_it_begins():
    config = run_config(
        families=("probe", "cnn"),
        backbones=("mobilenet_v2", "mobilenet_075"),
        backbone_sizes=(160, 224),
        race_images=(200,),
    )
    assert race_in_plan(make_plan(config), config, 1_400) == (
        "race: 4 backbones and sizes, the better half on more of 200 and all 1,400 images\n"
    )
    names = ("mobilenet_v2", "mobilenet_075", "mobilenet_050")
    three = replace(config, backbones=names, race_images=(200, 400))
    assert race_in_plan(make_plan(three), three, 1_400) == (
        "race: 3 backbones at one size, the better half at each size and on more of "
        "200, 400 and all 1,400 images\n"
    )
    joins = replace(config, families=("probe", "joined"))
    assert race_in_plan(make_plan(joins), joins, 1_400).endswith(
        "all 1,400 images, then the best two together\n"
    )
    without = run_config(families=("cnn",))
    assert race_in_plan(make_plan(without), without, 1_400) == ""


def test_what_was_cross_validated_stands_by_that(records):
    sure = probe("0004", "0001", 0.6, side=224, rung=1)
    records[3].history[0]["cross_validated"] = 0.65
    sure.history[0]["cross_validated"] = 0.75
    ranked = standings([*records, sure], sign=1.0)
    said = "race of 3 backbones and sizes, cross-validated:"
    assert race_in_words(ranked).startswith(said)
    first, second, _ = ranked
    assert [(first.image_size, first.score), (second.image_size, second.score)] == [
        (224, 0.75),
        (160, 0.65),
    ]


def test_two_that_are_joined_stand_under_both_names(records):
    values = {
        "family": "joined",
        "joined/backbone": "mobilenet_v2",
        "joined/second": "mobilenet_075",
        "joined/image_size": 224,
    }
    both = replace(probe("0005", "0005", 0.95, rung=1), values=values)
    first, *_ = standings([*records, both], sign=1.0)
    assert first.in_words() == "mobilenet_v2 + mobilenet_075 at 224 px 0.9500"
    *_, line = race_of_backbones([*records, both], train=1_400)["series"]
    assert line["name"] == "joined, 224 px"
    assert "mobilenet_v2 + mobilenet_075, 224 px" in line["data"][0]["name"]
