"""The race of backbones, with made-up scores."""

from dataclasses import replace

import keras_tuner
import pytest
from searching import finished, run_config

from search.algorithms.plan import Rung
from search.algorithms.probed import IMAGE_SIZE, Probed, going_on
from search.algorithms.race import Next, Race, narrowed
from search.algorithms.race_plan import partial_rungs, race_of, rung_sizes
from search.algorithms.registry import make_oracle, make_plan

SCORES = {"a": 0.9, "b": 0.6, "c": 0.8, "d": 0.7}


def probe(name):
    return {"family": "probe", "probe/backbone": name, "probe/image_size": 160}


CANDIDATES = tuple(map(probe, SCORES))
RACE = Race(
    CANDIDATES,
    CANDIDATES,
    (Rung(0, 4, 0, 1, images=200), Rung(0, 2, 0, 1, images=None, again=2)),
)


def run_to_the_end(race, score):
    """All probes, one after the other, with a score for each (values, rung)."""
    entries = []
    while not (step := race.next(entries)).over:
        value = score(step.values["probe/backbone"], step.rung)
        scored = None if value is None else (value,)
        entries.append(Probed(f"{len(entries):04}", step.values, step.rung, scored, ended=True))
    return entries


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


def race_of_four(**options):
    names = ("mobilenet_025", "mobilenet_050", "mobilenet_075", "mobilenet_v2")
    known = {"backbones": names, "backbone_sizes": (160, 224), "weights": "imagenet"}
    return race_of(run_config(families=("probe",), **known, **options))


def test_the_better_half_of_the_backbones_goes_on_at_every_size():
    race = race_of_four(race_images=(200, 400))
    scores = {"mobilenet_050": 0.8, "mobilenet_v2": 0.7, "mobilenet_025": 0.6}
    entries = run_to_the_end(race, lambda name, rung: scores.get(name))
    seen = [(e.values["probe/backbone"], e.values["probe/image_size"], e.rung) for e in entries]
    assert [(name, side) for name, side, rung in seen if rung == 0] == [
        *((name, 160) for name in ("mobilenet_025", "mobilenet_050", "mobilenet_075")),
        ("mobilenet_v2", 160),
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
    found = {p.name: p.values for p in narrowed(space, [probe("c"), probe("a")]).space}
    assert found["transfer/backbone"] == ["c", "a"]
    assert found["transfer/image_size"] == [160]
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


def hurried(race, entries, fits=lambda values: True):
    return race.next(entries, lambda values: True, lambda: True, fits)


def test_in_a_hurry_the_best_of_the_first_rung_see_all_images_at_once():
    race = replace(race_of_four(race_images=(200, 400)), joins=True)
    scores = {"mobilenet_025": 0.1, "mobilenet_050": 0.8, "mobilenet_075": 0.9, "mobilenet_v2": 0.2}
    opened = [
        Probed(f"{n}", values, 0, (scores[values["probe/backbone"]],), ended=True)
        for n, values in enumerate(race.opening)
    ]
    assert hurried(race, opened[:3]).rung == 0  # asked for after the first rung alone
    seen, entries = [], list(opened)
    while not (step := hurried(race, entries)).over:
        seen.append((step.values["family"], step.rung, step.parent))
        entries.append(Probed(f"{len(entries)}", step.values, step.rung, (1.0,), ended=True))
    assert seen == [*[("probe", 2, None)] * 4, ("joined", 2, None)]
    finals = [entry.values for entry in entries[4:8]]
    names = ["mobilenet_075", "mobilenet_050"]
    assert [values["probe/backbone"] for values in finals] == [*names, *names]
    assert [values["probe/image_size"] for values in finals] == [160, 160, 224, 224]
    assert race.next(entries).over  # later too, whoever asks


def test_in_a_hurry_images_are_larger_only_where_there_is_time():
    race = race_of_four(race_images=(200, 400))
    opened = [
        Probed(f"{n}", values, 0, (1.0 - n,), ended=True) for n, values in enumerate(race.opening)
    ]
    first, second = race.opening[:2]
    small = [
        Probed("4", first, 2, (0.7,), ended=True),
        Probed("5", second, 2, (0.8,), ended=True),
    ]
    running = [small[0], replace(small[1], score=None, ended=False)]
    assert hurried(race, [*opened, *running]) == Next()  # by their time it is known what fits
    finals = [*opened, *small]
    assert hurried(race, finals, lambda values: False).over
    larger = [{**values, IMAGE_SIZE: 224} for values in (second, first)]  # the better one first
    assert hurried(race, finals).values == larger[0]
    assert hurried(race, finals, lambda values: values == larger[1]).values == larger[1]
    # What was begun is waited for, and not begun again, however little time there is.
    begun = [*finals, Probed("6", larger[0], 2, None, ended=False)]
    assert hurried(race, begun, lambda values: False) == Next()
    failed = [*opened, small[0], replace(small[1], score=None)]
    assert hurried(race, failed).values == larger[1]


def test_in_a_hurry_what_ends_in_time_sees_all_images_the_likelier_first():
    race = race_of_four(race_images=(200, 400))
    scores = {
        "mobilenet_025": 0.5,
        "mobilenet_050": 0.8,
        "mobilenet_075": 0.79,
        "mobilenet_v2": 0.79,
    }
    opened = [
        Probed(f"{n}", values, 0, (scores[values["probe/backbone"]],), ended=True)
        for n, values in enumerate(race.opening)
    ]

    def begun(*fitting, entries=opened):
        found = []
        while (step := hurried(race, entries, lambda v: v["probe/backbone"] in fitting)).values:
            found.append((step.values["probe/backbone"], step.values[IMAGE_SIZE]))
            one = Probed(f"{len(entries)}", step.values, step.rung, (0.9,), ended=True)
            entries = [*entries, one]
        return found

    every = scores.keys()
    # Of two that 200 images cannot tell apart the better on ImageNet goes on.
    assert begun(*every)[:2] == [("mobilenet_050", 160), ("mobilenet_v2", 160)]
    assert begun("mobilenet_025", "mobilenet_075")[:2] == [
        ("mobilenet_075", 160),
        ("mobilenet_025", 160),
    ]
    assert begun("mobilenet_025") == [("mobilenet_025", 160), ("mobilenet_025", 224)]
    # Something is tried, also where nothing is known to end in time.
    assert begun() == [("mobilenet_050", 160)]


def test_a_race_that_has_gone_on_to_its_second_rung_is_run_to_its_end():
    race = race_of_four(race_images=(200, 400))
    calm = run_to_the_end(race, lambda name, rung: float(len(name)))
    for count in range(len(race.opening) + 1, len(calm)):
        assert hurried(race, calm[:count]) == race.next(calm[:count])


def test_a_race_of_two_rungs_is_never_cut_short():
    entries = [Probed(name, probe(name), 0, (SCORES[name],), ended=True) for name in "abcd"]
    assert hurried(RACE, entries) == RACE.next(entries)


@pytest.mark.parametrize(("seconds", "rung"), [(29.0, 2), (31.0, 1)])
def test_a_search_is_in_a_hurry_where_the_rest_takes_more_time_than_is_left(
    seconds, rung, tmp_path, monkeypatch
):
    now = [100.0]
    monkeypatch.setattr("search.algorithms.race_first.time.monotonic", lambda: now[0])
    names = ("mobilenet_025", "mobilenet_050", "mobilenet_075", "mobilenet_v2")
    known = {"backbones": names, "backbone_sizes": (160, 224), "weights": "imagenet"}
    config = run_config(families=("probe",), race_images=(200, 400), **known)
    space = keras_tuner.HyperParameters()
    oracle = make_oracle(config, space, baselines=[], directory=tmp_path, time_left=lambda: seconds)
    for _ in names:
        oracle.finish(finished(oracle.create_trial("a"), score=0.5))
        now[0] += 2.5  # ten seconds in all, and the rest takes three times as long
    assert oracle.create_trial("a").hyperparameters.values["tuner/round"] == rung


# Two probes of all images took 5 seconds each at 160 px: at 224 px one takes 9.8.
@pytest.mark.parametrize(("left", "side"), [(9.0, None), (10.0, 224)])
def test_a_probe_of_larger_images_is_one_that_ends_in_time(left, side, tmp_path):
    names = ("mobilenet_025", "mobilenet_050", "mobilenet_075", "mobilenet_v2")
    known = {"backbones": names, "backbone_sizes": (160, 224), "weights": "imagenet"}
    config = run_config(families=("probe",), race_images=(200, 400), **known)
    space, hurry = keras_tuner.HyperParameters(), {"time_left": lambda: left, "seen_by_all": 400}
    oracle = make_oracle(config, space, baselines=[], directory=tmp_path, **hurry)
    oracle._in_a_hurry = lambda: True
    for _ in names:
        oracle.finish(replace(finished(oracle.create_trial("a"), score=0.5), seconds=1.0))
    for _ in range(2):
        trial = oracle.create_trial("a")
        values = trial.hyperparameters.values
        assert (values["tuner/round"], values[IMAGE_SIZE]) == (2, 160)
        oracle.finish(replace(finished(trial, score=0.5), seconds=5.0))
    following = oracle.create_trial("a")
    assert following.hyperparameters.values.get(IMAGE_SIZE) == side
    # Of a run that goes on it is not known what they took.
    again = make_oracle(config, space, baselines=[], directory=tmp_path, **hurry)
    assert again.seconds == {}


def test_the_search_begins_from_the_winners_of_a_race_that_left_larger_images_out(tmp_path):
    names = ("mobilenet_025", "mobilenet_050", "mobilenet_075", "mobilenet_v2")
    known = {"backbones": names, "backbone_sizes": (160, 224), "weights": "imagenet"}
    config = run_config(families=("probe",), race_images=(200, 400), **known)
    space = keras_tuner.HyperParameters()
    space.Choice("family", ["transfer"])
    space.Choice("transfer/backbone", list(names))
    hurry = {"time_left": lambda: 0.0, "baselines_on": lambda winners: []}
    oracle = make_oracle(config, space, baselines=[], directory=tmp_path, **hurry)
    oracle._in_a_hurry = lambda: True
    trial = oracle.create_trial("a")
    while trial.hyperparameters.values["family"] != "transfer":
        place = names.index(trial.hyperparameters.values.get("probe/backbone", names[0]))
        oracle.finish(finished(trial, score=0.5 + place / 10))
        trial = oracle.create_trial("a")
    assert oracle.race is None
    (backbone,) = (each for each in oracle.hyperparameters.space if "backbone" in each.name)
    assert list(backbone.values) == ["mobilenet_v2", "mobilenet_075"]


def rung_of(**scores):
    """Backbones of one rung with these scores, the best first."""
    entries = [
        Probed(name, {"family": "probe", "probe/backbone": name}, 0, (score,), ended=True)
        for name, score in scores.items()
    ]
    return sorted(entries, key=lambda entry: entry.score, reverse=True)


def names_of(entries):
    return [entry.trial_id for entry in entries]


def test_of_those_that_few_images_cannot_tell_apart_the_better_on_imagenet_goes_on():
    """218 images have a standard error of 0.027 at 0.807; two of four go on."""
    close = rung_of(
        mobilenet_050=0.808, mobilenet_075=0.807, mobilenet_v2=0.790, mobilenet_025=0.781
    )
    assert names_of(going_on(close, 2, 218)) == ["mobilenet_050", "mobilenet_v2"]
    apart = rung_of(mobilenet_050=0.81, mobilenet_075=0.807, mobilenet_v2=0.77)
    assert names_of(going_on(apart, 2, 218)) == ["mobilenet_050", "mobilenet_075"]
    # Of a hundred times as many the error is a tenth.
    assert names_of(going_on(close, 2, 21800)) == ["mobilenet_050", "mobilenet_075"]


def test_what_is_clearly_ahead_of_the_last_place_goes_on_whatever_imagenet_says():
    scores = rung_of(
        mobilenet_025=0.95, mobilenet_050=0.93, mobilenet_075=0.80, mobilenet_v2=0.79, xception=0.78
    )
    found = names_of(going_on(scores, 3, 218))
    assert found == ["mobilenet_025", "mobilenet_050", "xception"]


def test_all_images_and_losses_decide_alone():
    close = rung_of(mobilenet_050=0.808, mobilenet_075=0.807, mobilenet_v2=0.806)
    assert names_of(going_on(close, 2, None)) == ["mobilenet_050", "mobilenet_075"]
    losses = rung_of(mobilenet_050=-0.808, mobilenet_075=-0.809, mobilenet_v2=-0.8091)
    assert names_of(going_on(losses, 2, 218)) == ["mobilenet_050", "mobilenet_075"]
    assert names_of(going_on(close[:2], 2, 218)) == ["mobilenet_050", "mobilenet_075"]


def test_the_race_goes_by_it():
    race = race_of_four(race_images=(200, 400))
    scores = dict(
        zip(("mobilenet_050", "mobilenet_075", "mobilenet_v2"), (0.8, 0.799, 0.798), strict=True)
    )
    opened = [
        Probed(str(n), values, 0, (scores.get(values["probe/backbone"], 0.5),), ended=True)
        for n, values in enumerate(race.opening)
    ]
    second = [race.next(opened).values["probe/backbone"]]
    assert second == ["mobilenet_050"]
    field = race._field(opened, 1)
    assert {values["probe/backbone"] for values, _ in field} == {"mobilenet_050", "mobilenet_v2"}


# Of 200 images to fit to and 200 to validate on a probe took 7 seconds, 3 of them to be built: of
# all 1,000 it takes 10, and at 224 px twice as long.
@pytest.mark.parametrize(
    ("left", "rung", "fits"), [(9.9, 0, False), (10.1, 0, True), (10.1, 2, False)]
)
def test_what_a_probe_of_all_images_takes_is_known_from_its_first_rung(left, rung, fits, tmp_path):
    names = ("mobilenet_025", "mobilenet_050", "mobilenet_075", "mobilenet_v2")
    known = {"backbones": names, "backbone_sizes": (160, 224), "weights": "imagenet"}
    config = run_config(families=("probe",), race_images=(200, 400), **known)
    options = {"time_left": lambda: left, "seen_by_all": 1000}
    space = keras_tuner.HyperParameters()
    oracle = make_oracle(config, space, baselines=[], directory=tmp_path, **options)
    trial = oracle.create_trial("a")
    values = {**trial.hyperparameters.values}
    oracle.finish(replace(finished(trial, score=0.5), seconds=7.0))
    asked = values if rung == 0 else {**values, IMAGE_SIZE: 224}
    assert oracle._fits(asked) is fits
    assert not oracle._fits({**values, "probe/backbone": "mobilenet_v2"})  # was not tried yet
    oracle.seen_by_all = None
    assert not oracle._fits(values)


def test_in_a_hurry_two_sizes_of_one_backbone_are_one_place():
    """Two backbones at three sizes are raced at all of them from the start."""
    sides = (96, 160, 224)
    config = run_config(
        families=("probe",),
        backbones=("mobilenet_050", "mobilenet_v2"),
        backbone_sizes=sides,
        weights="imagenet",
        race_images=(200, 400),
    )
    race = race_of(config)
    assert race.opening == race.candidates
    opened = [
        Probed(f"{n}", v, 0, (0.9 if v["probe/backbone"] == "mobilenet_050" else 0.5,), ended=True)
        for n, v in enumerate(race.opening)
    ]
    seen = race._seen_at_once(opened, lambda values: True)
    assert seen == ["mobilenet_050", "mobilenet_v2"]
