"""A race of backbones that has no time for all of its rungs."""

import math
from dataclasses import replace

import keras_tuner
import pytest
from raced import RACE, SCORES, probe, race_of_four, run_to_the_end
from searching import finished, run_config, trial_record

from search.algorithms.racing.plan import race_of
from search.algorithms.racing.probed import IMAGE_SIZE, Probed, own_values
from search.algorithms.racing.race import Next
from search.algorithms.racing.race_first import _seconds_of_any, _weight
from search.algorithms.registry import make_oracle
from search.run_folder.paths import RunFolder


def hurried(race, entries, fits=lambda values: True):
    return race.next(entries, lambda values: True, lambda: True, fits)


def test_in_a_hurry_the_best_of_the_first_rung_see_all_images_at_once():
    race = replace(race_of_four(race_images=(200, 400)), joins=True)
    scores = {"mobilenet_025": 0.1, "mobilenet_050": 0.8, "mobilenet_075": 0.9, "mobilenet_v2": 0.2}
    opened = [
        Probed(f"{n}", values, 0, (scores[values["probe/backbone"]],), ended=True)
        for n, values in enumerate(race.opening)
    ]
    assert hurried(race, opened[:1]).rung == 0  # asked for after the likely half alone
    assert hurried(race, opened[:2]).rung == hurried(race, opened).rung == 2
    seen, entries = [], list(opened)
    while not (step := hurried(race, entries)).over:
        seen.append((step.values["family"], step.rung, step.parent))
        entries.append(Probed(f"{len(entries)}", step.values, step.rung, (1.0,), ended=True))
    assert seen == [*[("probe", 2, None)] * 4, ("joined", 2, None)]
    finals = [entry.values for entry in entries[4:8]]
    names = ["mobilenet_075", "mobilenet_050"]
    # Of one that is clearly ahead a larger size comes before the runner-up.
    assert [values["probe/backbone"] for values in finals] == [names[0]] * 2 + [names[1]] * 2
    assert [values["probe/image_size"] for values in finals] == [160, 224, 160, 224]
    assert race.next(entries).over  # later too, whoever asks


def test_in_a_hurry_images_are_larger_only_where_there_is_time():
    race = race_of_four(race_images=(200, 400))
    opened = [
        Probed(f"{n}", values, 0, (0.5 - n / 1000,), ended=True)
        for n, values in enumerate(race.opening)
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
    clear = [("mobilenet_075", 160), ("mobilenet_075", 224), ("mobilenet_025", 160)]
    assert begun("mobilenet_025", "mobilenet_075")[:3] == clear
    assert begun("mobilenet_025") == [("mobilenet_025", 160), ("mobilenet_025", 224)]
    # Something is tried, also where nothing is known to end in time.
    assert begun() == [("mobilenet_050", 160)]


def test_in_a_hurry_what_failed_is_not_tried_again_larger_before_the_runner_up():
    race = race_of_four(race_images=(200, 400))
    opened = [
        Probed(f"{n}", values, 0, (0.9 - n / 10,), ended=True)
        for n, values in enumerate(race.likely)
    ]
    first, second = race.likely
    assert hurried(race, opened).values == first
    done = Probed("4", first, 2, (0.9,), ended=True)
    assert hurried(race, [*opened, done]).values == {**first, IMAGE_SIZE: 224}
    assert hurried(race, [*opened, replace(done, score=None)]).values == second


def test_where_all_that_was_likely_failed_the_others_are_tried():
    race = race_of_four(race_images=(200, 400))
    failed = [Probed(f"{n}", v, 0, None, ended=True) for n, v in enumerate(race.likely)]
    following = hurried(race, failed)
    assert (following.values, following.rung) == (race.opening[2], 0)


def test_in_a_hurry_nobody_waits_for_what_is_left_out():
    """Another worker has begun the third before it was known that there is no time."""
    race = race_of_four(race_images=(200, 400))
    opened = [Probed(f"{n}", v, 0, (0.9,), ended=True) for n, v in enumerate(race.likely)]
    running = Probed("2", race.opening[2], 0, None, ended=False)
    assert hurried(race, [*opened, running]).rung == 2
    # But the race is not over before it has ended: it may be among the winners.
    first, second = [
        Probed(f"{n + 3}", values, 2, (0.9,), ended=True) for n, values in enumerate(race.likely)
    ]
    decided = [*opened, running, first, second]
    assert hurried(race, decided, lambda values: False) == Next()
    assert hurried(race, [*decided[:2], *decided[3:]], lambda values: False).over


def test_a_race_that_has_gone_on_to_its_second_rung_is_run_to_its_end():
    race = race_of_four(race_images=(200, 400))
    calm = run_to_the_end(race, lambda name, rung: float(len(name)))
    for count in range(len(race.opening) + 1, len(calm)):
        assert hurried(race, calm[:count]) == race.next(calm[:count])


def test_a_race_of_two_rungs_is_never_cut_short():
    entries = [Probed(name, probe(name), 0, (SCORES[name],), ended=True) for name in "abcd"]
    assert hurried(RACE, entries) == RACE.next(entries)


# A network takes 1.5 seconds to be built and one per million values, 11.14 the four of them; the
# rest three times as long, 33.42. Of the first rung 4.05 are left after the two likely ones.
@pytest.mark.parametrize(
    ("opened", "seconds", "rung"), [(2, 37.4, 2), (2, 37.5, 0), (4, 33.4, 2), (4, 33.5, 1)]
)
def test_a_search_is_in_a_hurry_where_the_rest_takes_more_time_than_is_left(
    opened, seconds, rung, tmp_path, monkeypatch
):
    now = [100.0]
    monkeypatch.setattr("search.algorithms.racing.race_first.time.monotonic", lambda: now[0])
    names = ("mobilenet_025", "mobilenet_050", "mobilenet_075", "mobilenet_v2")
    known = {"backbones": names, "backbone_sizes": (160, 224), "weights": "imagenet"}
    config = run_config(families=("probe",), race_images=(200, 400), **known)
    space = keras_tuner.HyperParameters()
    left = [math.inf]
    oracle = make_oracle(config, space, baselines=[], directory=tmp_path, time_left=lambda: left[0])
    for _ in range(opened):
        trial = oracle.create_trial("a")
        oracle.finish(finished(trial, score=0.5))
        now[0] += _weight(own_values(trial.hyperparameters.values)) / 1e6
    left[0] = seconds
    assert oracle.create_trial("a").hyperparameters.values["tuner/round"] == rung


# Two probes of all images took 5 seconds each at 160 px: at 224 px one takes 9.8, and 3 to build.
@pytest.mark.parametrize(("left", "side"), [(12.0, None), (13.0, 224)])
def test_a_probe_of_larger_images_is_one_that_ends_in_time(left, side, tmp_path):
    names = ("mobilenet_025", "mobilenet_050", "mobilenet_075", "mobilenet_v2")
    known = {"backbones": names, "backbone_sizes": (160, 224), "weights": "imagenet"}
    config = run_config(families=("probe",), race_images=(200, 400), **known)
    space, hurry = keras_tuner.HyperParameters(), {"time_left": lambda: left, "seen_by_all": 400}
    oracle = make_oracle(config, space, baselines=[], directory=tmp_path, **hurry)
    oracle._in_a_hurry = lambda: True
    for _ in range(2):  # the likely half
        oracle.finish(replace(finished(oracle.create_trial("a"), score=0.5), seconds=1.0))
    for _ in range(2):
        trial = oracle.create_trial("a")
        values = trial.hyperparameters.values
        assert (values["tuner/round"], values[IMAGE_SIZE]) == (2, 160)
        oracle.finish(replace(finished(trial, score=0.5), seconds=5.0))
    following = oracle.create_trial("a")
    assert following.hyperparameters.values.get(IMAGE_SIZE) == side


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


@pytest.mark.parametrize("algo", ["random", "bayesian", "asha"])
def test_as_many_are_tried_after_a_race_that_was_cut_short(tmp_path, algo):
    names = ("mobilenet_025", "mobilenet_050", "mobilenet_075", "mobilenet_v2")
    known = {"backbones": names, "backbone_sizes": (160, 224), "weights": "imagenet"}
    options = {"race_images": (200, 400), "algo": algo, "max_trials": 5}
    config = run_config(families=("probe",), **options, **known)
    space = keras_tuner.HyperParameters()
    space.Choice("family", ["transfer"])
    space.Float("x", 0.0, 1.0)
    hurry = {"time_left": lambda: 0.0, "baselines_on": lambda winners: []}
    oracle = make_oracle(config, space, baselines=[], directory=tmp_path, **hurry)
    oracle._in_a_hurry = lambda: True
    families = []
    while (trial := oracle.create_trial("a")).status == "RUNNING":
        values = trial.hyperparameters.values
        if not values.get("tuner/round") or values["family"] == "probe":
            families.append(values["family"])
        oracle.finish(finished(trial, score=0.5))
    assert families.count("transfer") == 5
    assert families.count("probe") == 3  # two on few images, one on all


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
    assert race.opening == race.candidates == race.likely
    opened = [
        Probed(f"{n}", v, 0, (0.9 if v["probe/backbone"] == "mobilenet_050" else 0.5,), ended=True)
        for n, v in enumerate(race.opening)
    ]
    seen, entries = [], list(opened)
    while not (step := hurried(race, entries)).over:
        seen.append((step.values["probe/backbone"], step.values[IMAGE_SIZE]))
        entries.append(Probed(f"{len(entries)}", step.values, step.rung, (0.9,), ended=True))
    names = ("mobilenet_050", "mobilenet_v2")
    assert seen == [(name, side) for name in names for side in (96, 224)]


def test_a_race_that_goes_on_knows_what_its_probes_took(tmp_path):
    names = ("mobilenet_025", "mobilenet_050", "mobilenet_075", "mobilenet_v2")
    known = {"backbones": names, "backbone_sizes": (160, 224), "weights": "imagenet"}
    config = run_config(families=("probe",), race_images=(200, 400), **known)
    given = {"space": keras_tuner.HyperParameters(), "baselines": [], "directory": tmp_path}
    oracle = make_oracle(config, **given)
    for _ in range(2):
        trial = oracle.create_trial("a")
        oracle.finish(finished(trial, score=0.5))
        values = own_values(trial.hyperparameters.values)
        trial_record(trial.trial_id, values=values, seconds=4.0).save(RunFolder(tmp_path))
    again = make_oracle(config, **given)
    assert list(again.seconds.values()) == [4.0, 4.0]
    # Two took eight seconds of 12.57, by their size: 4.57 are left, and three times 12.57.
    for left, hurry in ((42.2, True), (42.3, False)):
        again.time_left = lambda left=left: left
        assert again._in_a_hurry() is hurry


def test_in_a_hurry_nothing_is_joined_whose_features_there_is_no_time_for():
    race = replace(race_of_four(race_images=(200, 400)), joins=True)
    opened = [
        Probed(f"{n}", values, 0, (1.0 - n,), ended=True) for n, values in enumerate(race.opening)
    ]
    small = list(race.opening[:2])
    first, second = ({**values, IMAGE_SIZE: 224} for values in small)
    finals = [Probed(f"{n + 4}", v, 2, (0.8,), ended=True) for n, v in enumerate(small)]
    one = [*opened, *finals, Probed("6", first, 2, (0.9,), ended=True)]
    assert hurried(race, one, lambda values: values == first).over
    both = [*one, Probed("7", second, 2, (0.85,), ended=True)]
    step = hurried(race, both, lambda values: False)
    assert (step.values["family"], step.values["joined/image_size"]) == ("joined", 224)


def test_probes_that_ran_at_once_took_their_time_once_and_a_pause_counts_not():
    spans = [(100.0, 110.0), (102.0, 112.0), (500.0, 503.0), (501.0, 502.0)]
    probes = [
        trial_record(f"{n}", begun=b, ended=e, seconds=e - b) for n, (b, e) in enumerate(spans)
    ]
    assert _seconds_of_any(probes) == 15.0
    late = trial_record("8", begun=113.0, ended=9000.0, seconds=2.0)  # stopped, and gone on with
    assert _seconds_of_any([*probes, late]) == 17.0
    assert _seconds_of_any([*probes, trial_record("9", seconds=4.0)]) == 19.0  # of an older version
