"""The race of backbones, with made-up scores."""

from dataclasses import replace

import keras_tuner
import pytest
from raced import RACE, SCORES, probe, race_of_four, run_to_the_end
from searching import run_config

from search.algorithms.racing.narrowed import narrowed
from search.algorithms.racing.plan import partial_rungs, race_of, rung_sizes
from search.algorithms.racing.probed import Probed
from search.algorithms.racing.race import Next
from search.algorithms.registry import make_plan


def test_the_better_half_goes_on_to_more_images():
    entries = run_to_the_end(RACE, lambda name, rung: SCORES[name])
    assert [(e.values["probe/backbone"], e.rung) for e in entries] == [
        *((name, 0) for name in "abcd"),
        ("a", 1),
        ("c", 1),
    ]
    assert RACE.ranking(entries) == [probe(name) for name in "acdb"]


def test_more_images_decide_about_those_that_saw_them():
    entries = run_to_the_end(RACE, lambda name, rung: SCORES[name] if rung == 0 else -SCORES[name])
    assert RACE.ranking(entries) == [probe(name) for name in "cadb"]


def test_one_that_fails_drops_out_and_the_next_best_goes_on():
    entries = run_to_the_end(RACE, lambda name, rung: None if name == "a" else SCORES[name])
    assert [e.values["probe/backbone"] for e in entries if e.rung] == ["c", "d"]
    assert probe("a") not in RACE.ranking(entries)


def test_where_all_fail_the_race_is_over_without_a_winner():
    entries = run_to_the_end(RACE, lambda name, rung: None)
    assert (len(entries), RACE.ranking(entries)) == (4, [])


def test_a_rung_begins_when_the_one_before_has_ended():
    running = [Probed(name, probe(name), 0, (1.0,), ended=name != "d") for name in "abcd"]
    step = RACE.next(running)
    assert (step.values, step.over) == (None, False)
    assert RACE.next(running[:3]).values == probe("d")


def test_a_probe_knows_its_place_and_its_candidate():
    entries = [Probed(name, probe(name), 0, (SCORES[name],), ended=True) for name in "abcd"]
    assert RACE.place(RACE.next([]))["tuner/images"] == 200
    place = RACE.place(RACE.next(entries))
    assert (place["tuner/round"], place["tuner/trial_id"]) == (1, "a")
    assert "tuner/images" not in place


@pytest.mark.parametrize(
    ("images", "classes", "sizes", "rungs"),
    [
        (1_400, 2, [4, 4, 2], (200, 400)),
        (300, 2, [4, 4, 2], ()),  # half of them would be as many as all
        (60_000, 10, [4, 4, 2], (500, 1_000)),
        (60_000, 102, [4, 4, 2], (2_040, 4_080)),
        (9_833, 500, [4, 4, 2], (2_458, 4_916)),  # 20 per class are not to be had
        (1_400, 2, [2], ()),  # two see all images anyway
    ],
)
def test_the_first_rung_is_as_small_as_tells_backbones_apart(images, classes, sizes, rungs):
    assert partial_rungs(images, classes, sizes) == rungs


@pytest.mark.parametrize(
    ("backbones", "sides", "sizes"),
    [
        ("abcd", (160, 224), [4, 4, 2]),
        ("abcdefg", (160, 224), [7, 8, 4, 2]),
        ("abcdefg", (160,), [7, 4, 2]),
        ("abc", (160, 224), [3, 4, 2]),
        ("ab", (160, 224), [4, 2]),  # both would go on
        ("a", (96, 160, 224), [3, 2]),
        ("a", (160, 224), [2]),
        ("a", (160,), [1]),
    ],
)
def test_backbones_are_raced_at_one_size_before_the_better_half_at_all(backbones, sides, sizes):
    assert rung_sizes([(name, side) for name in backbones for side in sides]) == sizes


def test_the_better_half_of_the_backbones_goes_on_at_every_size():
    race = race_of_four(race_images=(200, 400))
    scores = {"mobilenet_050": 0.8, "mobilenet_v2": 0.7, "mobilenet_025": 0.6}
    entries = run_to_the_end(race, lambda name, rung: scores.get(name))
    seen = [(e.values["probe/backbone"], e.values["probe/image_size"], e.rung) for e in entries]
    assert [(name, side) for name, side, rung in seen if rung == 0] == [
        *((name, 160) for name in ("mobilenet_075", "mobilenet_v2")),  # the likely ones first
        *((name, 160) for name in ("mobilenet_025", "mobilenet_050")),
    ]
    assert [(name, side) for name, side, rung in seen if rung == 1] == [
        *(("mobilenet_050", side) for side in (160, 224)),
        *(("mobilenet_v2", side) for side in (160, 224)),
    ]
    assert [name for name, _, rung in seen if rung == 2] == ["mobilenet_050", "mobilenet_050"]
    assert [rung.size for rung in race.rungs] == [4, 4, 2]
    assert [rung.again for rung in race.rungs] == [0, 2, 2]


def test_a_size_that_is_new_continues_no_probe():
    race = race_of_four(race_images=(200, 400))
    opened = [
        Probed(f"{n}", values, 0, (n / 10,), ended=True) for n, values in enumerate(race.opening)
    ]
    first = race.next(opened)
    assert (first.values["probe/image_size"], first.parent) == (160, "3")
    second = race.next([*opened, Probed("4", first.values, 1, (1.0,), ended=True)])
    assert (second.values["probe/image_size"], second.parent) == (224, None)


def test_where_all_images_are_few_every_candidate_sees_them():
    race = race_of_four(race_images=())
    assert [(rung.size, rung.images) for rung in race.rungs] == [(8, None)]
    assert race.opening == race.candidates


def test_what_is_left_out_is_not_raced_at_any_rung():
    left_out = (("mobilenet_v2", 160), ("mobilenet_025", 224))
    race = race_of_four(race_images=(200, 400), left_out=left_out)
    opening = {(v["probe/backbone"], v["probe/image_size"]) for v in race.opening}
    assert ("mobilenet_v2", 224) in opening
    assert not opening & set(left_out)
    assert [rung.size for rung in race.rungs] == [4, 4, 2]
    entries = run_to_the_end(
        race, lambda name, rung: float(name in ("mobilenet_v2", "mobilenet_025"))
    )
    seen = [(e.values["probe/backbone"], e.values["probe/image_size"]) for e in entries]
    assert not set(seen) & set(left_out)
    assert [e.rung for e in entries].count(1) == 2  # one size of each


def test_the_plan_begins_with_the_race():
    config = run_config(
        families=("probe", "transfer"),
        backbones=("mobilenet_v2", "mobilenet_075"),
        backbone_sizes=(160, 224),
        race_images=(200,),
        weights="imagenet",
    )
    first, second, *others = make_plan(config).rungs
    assert (first.size, first.images, second.size, second.images) == (4, 200, 2, None)
    assert [values["probe/image_size"] for values in race_of(config).candidates] == [
        *(160, 160, 224, 224)
    ]
    alone = make_plan(replace(config, families=("transfer",)))
    assert list(alone.rungs) == others
    assert make_plan(config).configurations == alone.configurations + 4
    assert make_plan(replace(config, families=("probe",))).rungs == (first, second)


def test_after_the_race_only_the_winners_are_searched():
    space = keras_tuner.HyperParameters()
    space.Choice("family", ["transfer", "cnn"])
    space.Choice("transfer/backbone", ["a", "b", "c"])
    space.Choice("transfer/image_size", [96, 160, 224])
    space.Choice("cnn/filters", [8, 16])
    space.Choice("Wide/backbone", ["small", "large"])  # of a family of the user's own
    space.Choice("backbone", ["small", "large"])
    found = {p.name: p.values for p in narrowed(space, [probe("c"), probe("a")]).space}
    assert found["transfer/backbone"] == ["c", "a"]
    assert found["transfer/image_size"] == [160]
    assert found["Wide/backbone"] == found["backbone"] == ["small", "large"]
    assert (found["cnn/filters"], found["family"]) == ([8, 16], ["transfer", "cnn"])


JOINS = replace(RACE, joins=True)


def joined(first, second):
    return {
        "family": "joined",
        "joined/backbone": first,
        "joined/second": second,
        "joined/image_size": 160,
    }


def raced():
    return run_to_the_end(RACE, lambda name, rung: SCORES[name])


def test_at_the_end_the_two_best_are_joined():
    entries = raced()
    step = JOINS.next(entries)
    assert (step.values, step.rung, step.parent) == (joined("a", "c"), 1, None)
    assert "tuner/images" not in JOINS.place(step)
    runs = Probed("9", step.values, 1, None, ended=False)
    assert JOINS.next([*entries, runs]) == Next()
    assert JOINS.next([*entries, replace(runs, ended=True)]).over
    better = replace(runs, score=(1.0,), ended=True)
    assert JOINS.ranking([*entries, better]) == RACE.ranking(entries)


def test_nothing_is_joined_that_breaks_a_limit_or_before_the_race_is_over():
    entries = raced()
    assert JOINS.next(entries, lambda values: values["family"] != "joined").over
    assert JOINS.next(entries[:-1]).values == probe("c")
    assert JOINS.next([]).values == probe("a")


def test_the_plan_counts_what_is_joined():
    config = run_config(
        families=("probe", "joined"),
        backbones=("mobilenet_v2", "mobilenet_075"),
        backbone_sizes=(160,),
        weights="imagenet",
    )
    assert [rung.size for rung in make_plan(config).rungs] == [2, 1]
    alone = replace(config, backbones=("mobilenet_v2",))
    assert [rung.size for rung in make_plan(alone).rungs] == [1]
