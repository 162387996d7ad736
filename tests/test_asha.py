"""ASHA and PASHA driven by made-up scores: a configuration scores its own x."""

from collections import Counter

import keras_tuner
import pytest
from searching import drive, epoch_logs, finished, oracle_in, place_of, run_config, x_of

from search.algorithms.halving.asha import KEPT
from search.algorithms.halving.stable_ranking import is_stable, noise
from search.algorithms.plan import halving_epochs
from search.algorithms.registry import make_plan
from search.observers.pace import Pace
from search.run_folder.records import DIVERGED, FAILED

BASELINES = [{"x": 0.25, "y": 0.5}, {"x": 0.75, "y": 0.5}]


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr("os.fsync", lambda handle: None)


def asha(folder, *, algo="asha", max_trials=30, **options):
    return oracle_in(folder, algo=algo, max_trials=max_trials, **options)


def sizes(driven):
    return Counter(map(place_of, driven.trials))


def ones_in(driven, rung):
    return [trial for trial in driven.trials if place_of(trial) == (1, rung)]


def parent_of(trial):
    return trial.hyperparameters.values["tuner/trial_id"]


@pytest.mark.parametrize("slots", [1, 4, 50])
def test_one_in_three_goes_on_from_each_rung(tmp_path, slots):
    driven = drive(asha(tmp_path), slots=slots)
    assert driven.answer == "STOPPED"
    # Who was ahead of the few there were goes on, so there may be more than a third in the end.
    found = sizes(driven)
    assert found[1, 0] == 30
    assert 10 <= found[1, 1] <= 20
    assert found[1, 2] >= found[1, 1] // 3


@pytest.mark.parametrize("slots", [1, 30])
def test_the_best_third_goes_on_in_any_order(tmp_path, slots):
    driven = drive(asha(tmp_path), slots=slots)
    ranked = sorted(ones_in(driven, 0), key=x_of, reverse=True)
    gone_on = {parent_of(trial) for trial in ones_in(driven, 1)}
    assert {trial.trial_id for trial in ranked[:10]} <= gone_on
    assert max(map(x_of, ones_in(driven, 2))) == x_of(ranked[0])


def test_no_slot_waits_while_there_is_anything_to_begin(tmp_path):
    oracle = asha(tmp_path, max_trials=40)
    asked = [oracle.create_trial(f"slot{number}") for number in range(40)]
    assert {trial.status for trial in asked} == {"RUNNING"}
    assert oracle.create_trial("one more").status == "IDLE"
    # Of the first three that end the best goes on at once; Hyperband would wait for all.
    for trial in asked[:3]:
        oracle.finish(finished(trial))
    on = oracle.create_trial("on")
    assert on.status == "RUNNING"
    assert x_of(on) == max(map(x_of, asked[:3]))
    values = on.hyperparameters.values
    assert (values["tuner/initial_epoch"], values["tuner/epochs"]) == (1, 3)


def begun(oracle, count):
    return [oracle.create_trial(f"slot{len(oracle.trials)}") for _ in range(count)]


def rungs_of(trials):
    return [place_of(trial)[1] for trial in trials]


def test_who_is_highest_goes_on_first(tmp_path):
    oracle = asha(tmp_path)
    first = begun(oracle, 12)
    for trial in first[:9]:
        oracle.finish(finished(trial))
    on = begun(oracle, 3)
    assert rungs_of(on) == [1, 1, 1]
    for trial in on:
        oracle.finish(finished(trial))
    for trial in first[9:]:
        oracle.finish(finished(trial, score=2.0))  # ahead of all
    # Of three in the second rung one goes on, and of twelve in the first now these three.
    assert rungs_of(begun(oracle, 5)) == [2, 1, 1, 1, 0]


def test_the_lowest_goes_on_where_the_objective_is_a_loss(tmp_path):
    def outcome(trial):
        record = finished(trial)
        logs = [epoch_logs(record.initial_epoch, 0.5) | {"val_loss": x_of(trial)}]
        return record.with_outcome(history=logs)

    driven = drive(asha(tmp_path, objective="val_loss"), outcome=outcome, slots=30)
    lowest = min(ones_in(driven, 0), key=x_of)
    assert min(map(x_of, ones_in(driven, 2))) == x_of(lowest)


@pytest.mark.parametrize("status", [FAILED, DIVERGED])
def test_what_came_to_no_result_never_goes_on(tmp_path, status):
    def outcome(trial):
        return finished(trial, status=status) if x_of(trial) > 0.5 else finished(trial)

    driven = drive(asha(tmp_path), outcome=outcome, slots=3)
    assert driven.answer == "STOPPED"
    assert ones_in(driven, 1)
    assert all(x_of(trial) <= 0.5 for trial in ones_in(driven, 1))


def test_baselines_come_first_with_their_full_budget(tmp_path):
    driven = drive(asha(tmp_path, baselines=BASELINES))
    first, second, third = driven.trials[:3]
    for trial, values in zip((first, second), BASELINES, strict=True):
        assert values.items() <= trial.hyperparameters.values.items()
        assert place_of(trial) == (0, 0)
        assert trial.hyperparameters.values["tuner/epochs"] == 9
    assert (place_of(third), third.hyperparameters.values["tuner/epochs"]) == ((1, 0), 1)
    assert sizes(driven)[1, 0] == 28  # they are two of the thirty


@pytest.mark.parametrize("algo", ["asha", "pasha"])
def test_a_search_reloaded_before_every_step_does_what_an_uninterrupted_one_does(tmp_path, algo):
    def reloaded(oracle):
        running = dict(oracle.ongoing_trials)
        again = asha(tmp_path / "cut", algo=algo, baselines=BASELINES)
        again._retry_queue = []
        again.ongoing_trials = {slot: again.trials[t.trial_id] for slot, t in running.items()}
        return again

    options = {"algo": algo, "baselines": BASELINES}
    how = {"outcome": worse_with_epochs, "slots": 3}  # so that PASHA opens its last rung
    whole = drive(asha(tmp_path / "whole", **options), **how)
    cut = drive(asha(tmp_path / "cut", **options), before_step=reloaded, **how)
    assert ones_in(whole, 2)
    assert [(t.trial_id, t.hyperparameters.values) for t in cut.trials] == [
        (t.trial_id, t.hyperparameters.values) for t in whole.trials
    ]


@pytest.mark.parametrize("slots", [1, 5])
def test_checkpoints_of_those_that_may_go_on_are_kept_and_few_others(tmp_path, slots):
    there, most, missed, gone_on = set(), 0, set(), set()

    def prune(oracle):
        nonlocal there, most
        there = (there | set(oracle.end_order[-1:])) & oracle.needed_checkpoints()
        most = max(most, len(there))

    def note(oracle):
        for trial in oracle.ongoing_trials.values():
            if place_of(trial)[1] > 0:
                gone_on.add(parent_of(trial))
                missed.update({parent_of(trial)} - there)
        return oracle

    oracle = asha(tmp_path, max_trials=60)
    drive(oracle, slots=slots, before_step=note, after_finish=prune)
    assert len(gone_on) > 20
    assert len(missed) <= 1  # which is trained from its beginning
    assert 0 < most < 50
    assert oracle.needed_checkpoints() == set()


def test_an_open_ended_search_keeps_few_and_has_no_end(tmp_path):
    oracle = asha(tmp_path, open_ended=True, max_trials=0)
    kept = []
    for number in range(200):
        trial = oracle.create_trial(f"slot{number}")
        assert trial.status == "RUNNING"
        oracle.finish(finished(trial))
        kept.append(len(oracle.needed_checkpoints()))
    assert 10 < max(kept) <= 2 * KEPT


def test_what_waits_to_be_run_again_keeps_those_that_may_go_on(tmp_path):
    """Of eight that ended two have gone on; with the ninth, which waits, the third best will."""
    oracle = asha(tmp_path, max_trials=9)
    trials = begun(oracle, 9)
    for number, trial in enumerate(trials[:6]):
        oracle.finish(finished(trial, score=0.9 - number / 10))
    for trial in begun(oracle, 2):
        oracle.finish(finished(trial))
    oracle.finish(finished(trials[6], score=0.1))
    again = asha(tmp_path, max_trials=9)  # with one worker, where two trials ran
    again.finish(finished(again.create_trial("only"), score=0.1))
    assert len(again._retry_queue) == 1
    assert trials[2].trial_id in again.needed_checkpoints()


def test_the_space_may_be_exhausted(tmp_path):
    space = keras_tuner.HyperParameters()
    space.Choice("x", [0.1, 0.2, 0.3, 0.4])
    oracle = asha(tmp_path, space=space)
    driven = drive(oracle, steps=60)
    assert driven.answer == "STOPPED"
    assert sorted(map(x_of, ones_in(driven, 0))) == [0.1, 0.2, 0.3, 0.4]
    assert max(map(x_of, ones_in(driven, 1))) == 0.4
    assert oracle.needed_checkpoints() == set()


@pytest.mark.parametrize("max_trials", [20, 60])
def test_the_plan_says_about_how_many_trials_there_will_be(tmp_path, max_trials):
    plan = make_plan(run_config(algo="asha", max_trials=max_trials))
    baselines = plan.rungs[0].size
    given = [{"x": 0.1 * number, "y": 0.5} for number in range(baselines)]
    driven = drive(asha(tmp_path, max_trials=max_trials, baselines=given))
    assert (plan.configurations, plan.exact) == (max_trials, False)
    assert plan.trials == pytest.approx(len(driven.trials), rel=0.15)
    values = [trial.hyperparameters.values for trial in driven.trials]
    epochs = sum(each["tuner/epochs"] - each["tuner/initial_epoch"] for each in values)
    assert plan.epochs == pytest.approx(epochs, rel=0.2)
    assert Pace(plan).trials is None


def test_fewer_trials_than_baselines_are_planned_as_that(tmp_path):
    config = run_config(algo="asha", families=("cnn", "xception"), max_trials=1)
    assert make_plan(config).configurations == 1


@pytest.mark.parametrize(
    ("most", "factor", "epochs"),
    [(9, 3, [1, 3, 9]), (10, 3, [2, 4, 10]), (1, 3, [1]), (2, 3, [2]), (8, 2, [1, 2, 4, 8])],
)
def test_halving_begins_as_low_as_it_can(most, factor, epochs):
    assert halving_epochs(most, factor) == epochs


def better_with_epochs(trial):
    return finished(trial, score=x_of(trial) + trial.hyperparameters.values["tuner/epochs"] / 1e3)


def worse_with_epochs(trial):
    epochs = trial.hyperparameters.values["tuner/epochs"]
    return finished(trial, score=x_of(trial) if epochs == 1 else 1 - x_of(trial))


def test_no_rung_is_opened_while_longer_training_changes_no_ranking(tmp_path):
    stable = drive(asha(tmp_path / "a", algo="pasha"), outcome=better_with_epochs, slots=30)
    assert len(ones_in(stable, 1)) >= 10
    assert not ones_in(stable, 2)
    changing = drive(asha(tmp_path / "b", algo="pasha"), outcome=worse_with_epochs, slots=30)
    assert ones_in(changing, 2)


@pytest.mark.parametrize(
    ("scores", "noisy", "stable"),
    [
        ([], 0.0, True),
        ([(0.5, 0.6)], 0.0, True),
        ([(0.5, 0.6), (0.7, 0.8)], 0.0, True),
        ([(0.5, 0.8), (0.7, 0.6)], 0.0, False),
        ([(0.50, 0.8), (0.51, 0.6)], 0.02, True),
        ([(0.50, 0.8), (0.51, 0.6), (0.9, 0.5)], 0.02, False),
        ([(0.5, 0.8), (0.5, 0.6)], 0.0, True),
    ],
)
def test_rankings_are_compared_up_to_noise(scores, noisy, stable):
    assert is_stable(scores, noisy) is stable


@pytest.mark.parametrize(
    ("curves", "expected"),
    [
        ([], 0.0),
        ([[0.5, 0.6, 0.7], [0.4, 0.5, 0.6]], 0.0),  # never cross
        ([[0.5, 0.6, 0.7], [0.4, 0.7, 0.9]], 0.0),  # cross once: one learns faster
        ([[0.30, 0.62, 0.70], [0.50, 0.60, 0.72]], 0.02),  # cross and cross back
        ([[0.30, 0.62, 0.70, 0.9], [0.50, 0.60, 0.72]], 0.02),  # of as many epochs as both have
    ],
)
def test_curves_that_cross_and_cross_back_show_the_noise(curves, expected):
    assert noise(curves) == pytest.approx(expected)
