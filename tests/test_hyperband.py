"""Hyperband driven by made-up scores: a configuration scores its own x unless told to fail."""

import itertools
import json
from collections import Counter

import keras_tuner
import numpy as np
import pytest
from keras_tuner.oracles import HyperbandOracle as StockHyperbandOracle
from searching import drive, finished, oracle_in, place_of, run_config, wide_space, x_of

from search.algorithms.plan import hyperband_rungs
from search.algorithms.registry import make_plan
from search.run_folder.config import baseline_count
from search.run_folder.paths import RunFolder
from search.run_folder.records import DIVERGED, FAILED

# Of max_epochs 9 and factor 3, in trials by (bracket, round).
PLANNED = {(0, 0): 3, (2, 0): 9, (2, 1): 3, (2, 2): 1, (1, 0): 5, (1, 1): 2}
BEGUN = [0, 2, 1]  # the brackets, in order


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    """Thousands of small files, none of which has to survive a power failure."""
    monkeypatch.setattr("os.fsync", lambda handle: None)


def failing(*ids, status=FAILED):
    """An outcome: these trials fail, all others score their x."""

    def outcome(trial):
        return finished(trial, status=status) if int(trial.trial_id) in ids else finished(trial)

    return outcome


def every_fifth_fails(trial):
    unlucky = np.random.default_rng(int(trial.trial_id)).random() < 0.2
    return finished(trial, status=FAILED) if unlucky else finished(trial)


def in_place(driven, bracket, number):
    return [trial for trial in driven.trials if place_of(trial) == (bracket, number)]


def parents(driven, bracket, number):
    return {
        trial.hyperparameters.values["tuner/trial_id"]
        for trial in in_place(driven, bracket, number)
    }


@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize(
    "outcome",
    [finished, failing(4), failing(0, 4, 7), failing(0, 1, 2, 3, 4), every_fifth_fails],
    ids=["none fails", "one fails", "three fail", "five in a row fail", "every fifth fails"],
)
def test_every_rung_keeps_its_planned_size(tmp_path, outcome, slots):
    driven = drive(oracle_in(tmp_path), outcome=outcome, slots=slots)
    assert driven.answer == "STOPPED"
    assert driven.live() == PLANNED


@pytest.mark.parametrize(("failures", "promoted", "last_rung"), [(1, 2, 0), (3, 0, 0)])
def test_stock_hyperband_loses_promotions_which_is_why_ours_exists(
    tmp_path, failures, promoted, last_rung
):
    oracle = StockHyperbandOracle(
        objective=keras_tuner.Objective("val_accuracy", "max"),
        max_epochs=9,
        factor=3,
        seed=1,
        hyperparameters=wide_space(),
        max_consecutive_failed_trials=99,
    )
    oracle.verbose = 0
    oracle._set_project_dir(str(tmp_path), "oracle")
    for slot in range(60):
        trial = oracle.create_trial(f"slot{slot}")
        if trial.status != "RUNNING":
            break
        trial.status = "FAILED" if int(trial.trial_id) < failures else "COMPLETED"
        if trial.status == "COMPLETED":
            oracle.update_trial(trial.trial_id, {"val_accuracy": x_of(trial)})
        oracle.end_trial(trial)
    # Only the widest bracket trains from 1 to 3 epochs, or has a third rung.
    budgets = Counter(
        (values["tuner/initial_epoch"], values["tuner/round"])
        for values in (trial.hyperparameters.values for trial in oracle.trials.values())
    )
    assert (budgets[1, 1], budgets[3, 2]) == (promoted, last_rung)


def test_the_best_of_a_rung_are_promoted(tmp_path):
    driven = drive(oracle_in(tmp_path))
    first = sorted(in_place(driven, 2, 0), key=x_of, reverse=True)
    assert parents(driven, 2, 1) == {trial.trial_id for trial in first[:3]}
    (last,) = in_place(driven, 2, 2)
    assert x_of(last) == x_of(first[0])


def test_the_lowest_score_is_promoted_where_the_objective_is_a_loss(tmp_path):
    driven = drive(oracle_in(tmp_path, objective="val_loss"))
    # Made-up logs have val_loss = 1 - x: the largest x is the smallest loss.
    first = sorted(in_place(driven, 2, 0), key=x_of, reverse=True)
    assert parents(driven, 2, 1) == {trial.trial_id for trial in first[:3]}


def test_a_failed_place_in_the_first_rung_is_given_to_a_new_configuration(tmp_path):
    driven = drive(oracle_in(tmp_path), outcome=failing(5, 8))
    first = in_place(driven, 2, 0)
    assert len(first) == 11
    assert len({x_of(trial) for trial in first}) == 11


def test_a_failure_in_a_later_rung_promotes_the_next_best(tmp_path):
    driven = drive(oracle_in(tmp_path / "whole"))
    promoted = in_place(driven, 2, 1)
    broken = drive(
        oracle_in(tmp_path / "broken"), outcome=failing(*[int(t.trial_id) for t in promoted[:2]])
    )
    first = sorted(in_place(broken, 2, 0), key=x_of, reverse=True)
    assert parents(broken, 2, 1) == {trial.trial_id for trial in first[:5]}
    assert broken.live() == PLANNED


def test_a_diverged_trial_is_replaced_and_never_promoted(tmp_path):
    # Nine in a row diverge: to rank them last would not be enough, there is nobody else yet.
    diverged = range(3, 12)
    driven = drive(oracle_in(tmp_path), outcome=failing(*diverged, status=DIVERGED))
    promoted = parents(driven, 2, 1) | parents(driven, 2, 2) | parents(driven, 1, 1)
    assert not {int(trial_id) for trial_id in promoted} & set(diverged)
    assert driven.live() == PLANNED


def test_a_search_in_which_everything_fails_ends(tmp_path):
    driven = drive(oracle_in(tmp_path), outcome=lambda trial: finished(trial, status=FAILED))
    assert driven.answer == "STOPPED"
    assert not driven.live()


def test_more_than_three_failures_in_a_row_do_not_raise(tmp_path):
    driven = drive(oracle_in(tmp_path), outcome=failing(*range(6)))
    assert driven.live() == PLANNED


@pytest.mark.parametrize("slots", [1, 4])
def test_a_trial_knows_its_own_bracket_and_round(tmp_path, slots):
    oracle = oracle_in(tmp_path)
    driven = drive(oracle, slots=slots)
    for trial in driven.trials:
        bracket, number = place_of(trial)
        entries = oracle.get_state()["brackets"][BEGUN.index(bracket)]["rounds"][number]
        assert trial.trial_id in {entry["id"] for entry in entries}


@pytest.mark.parametrize("max_epochs", [1, 2, 9, 10, 27])
@pytest.mark.parametrize("iterations", [1, 2])
def test_the_plan_that_is_announced_is_what_the_oracle_does(tmp_path, max_epochs, iterations):
    options = {"max_epochs": max_epochs, "hyperband_iterations": iterations}
    config = run_config(**options)
    plan = make_plan(config)
    baselines = [{"x": n / 100, "y": 0.5} for n in range(baseline_count(config))]
    driven = drive(oracle_in(tmp_path, baselines=baselines, **options))
    all_values = [trial.hyperparameters.values for trial in driven.trials]
    epochs = sum(values["tuner/epochs"] - values["tuner/initial_epoch"] for values in all_values)
    configurations = sum(values["tuner/round"] == 0 for values in all_values)
    assert (len(all_values), configurations, epochs) == (
        plan.trials,
        plan.configurations,
        plan.epochs,
    )


def test_a_promoted_trial_begins_at_the_epoch_where_its_parent_ended(tmp_path):
    driven = drive(oracle_in(tmp_path, max_epochs=10))
    values = {trial.trial_id: trial.hyperparameters.values for trial in driven.trials}
    promoted = [own for own in values.values() if own["tuner/round"] > 0]
    assert promoted
    for own in promoted:
        parent = values[own["tuner/trial_id"]]
        assert own["tuner/initial_epoch"] == parent["tuner/epochs"] < own["tuner/epochs"]
        assert (own["x"], own["y"]) == (parent["x"], parent["y"])


def proposals(folder, **options):
    return [trial.hyperparameters.values for trial in drive(oracle_in(folder, **options)).trials]


def test_seed_0_proposes_the_same_again_and_other_than_seed_1(tmp_path):
    first = proposals(tmp_path / "a", seed=0)
    assert first == proposals(tmp_path / "b", seed=0)
    assert first != proposals(tmp_path / "c", seed=1)


def test_brackets_are_begun_with_the_one_that_has_the_full_budget_at_once(tmp_path):
    driven = drive(oracle_in(tmp_path, hyperband_iterations=2))
    begun = [place_of(trial)[0] for trial in driven.trials if place_of(trial)[1] == 0]
    assert [bracket for bracket, _ in itertools.groupby(begun)] == BEGUN * 2


def test_known_good_values_have_the_full_budget(tmp_path):
    baselines = [{"x": 0.25, "y": 0.5}, {"x": 0.75, "y": 0.5}]
    driven = drive(oracle_in(tmp_path, baselines=baselines))
    budgets = [
        (trial.hyperparameters.values["x"], trial.hyperparameters.values["tuner/epochs"])
        for trial in driven.trials[:2]
    ]
    assert budgets == [(0.25, 9), (0.75, 9)]


def test_all_known_good_values_have_the_full_budget_however_many(tmp_path):
    baselines = [{"x": number / 10, "y": 0.5} for number in range(5)]
    driven = drive(oracle_in(tmp_path, baselines=baselines))
    assert [x_of(trial) for trial in in_place(driven, 0, 0)] == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert driven.live() == PLANNED | {(0, 0): 5}


def test_known_good_values_are_tried_first_in_their_order_and_once(tmp_path):
    baselines = [{"x": 0.25, "y": 0.5}, {"x": 0.75, "y": 0.5}]
    driven = drive(oracle_in(tmp_path, baselines=baselines))
    first_rungs = [trial for trial in driven.trials if place_of(trial)[1] == 0]
    tried = [(x_of(trial), trial.hyperparameters.values["y"]) for trial in first_rungs]
    assert tried[:2] == [(0.25, 0.5), (0.75, 0.5)]
    assert not {(0.25, 0.5), (0.75, 0.5)} & set(tried[2:])


@pytest.mark.parametrize("slots", [1, 3])
def test_a_search_reloaded_before_every_step_does_what_an_uninterrupted_one_does(tmp_path, slots):
    def reloaded(oracle):
        running = dict(oracle.ongoing_trials)
        again = oracle_in(tmp_path / "reloaded")
        # Each trial that ran is given out again, to the slot that asks for it.
        again._retry_queue = []
        again.ongoing_trials = {
            slot: again.trials[trial.trial_id] for slot, trial in running.items()
        }
        return again

    whole = drive(oracle_in(tmp_path / "whole"), outcome=every_fifth_fails, slots=slots)
    cut = drive(
        oracle_in(tmp_path / "reloaded"),
        outcome=every_fifth_fails,
        slots=slots,
        before_step=reloaded,
    )
    assert [(t.trial_id, t.hyperparameters.values) for t in cut.trials] == [
        (t.trial_id, t.hyperparameters.values) for t in whole.trials
    ]


def test_a_trial_that_was_running_is_given_out_again_first_of_all(tmp_path):
    oracle = oracle_in(tmp_path)
    oracle.finish(finished(oracle.create_trial("a")))
    running = oracle.create_trial("b")
    again = oracle_in(tmp_path).create_trial("c")
    assert again.trial_id == running.trial_id
    assert again.hyperparameters.values == running.hyperparameters.values


def test_a_result_that_was_half_written_can_be_given_again(tmp_path, monkeypatch):
    oracle = oracle_in(tmp_path)
    trial = oracle.create_trial("a")
    monkeypatch.setattr(oracle, "save", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        oracle.finish(finished(trial))
    driven = drive(oracle_in(tmp_path))
    assert driven.trials[0].trial_id == trial.trial_id
    assert driven.live() == PLANNED


def test_a_result_given_twice_counts_once(tmp_path):
    oracle = oracle_in(tmp_path)
    record = finished(oracle.create_trial("a"))
    oracle.finish(record)
    oracle.finish(record)
    assert oracle.end_order == [record.trial_id]
    assert drive(oracle).live() == PLANNED


@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize("choices", [1, 2, 7])
def test_a_search_ends_where_the_space_is_exhausted(tmp_path, choices, slots):
    space = keras_tuner.HyperParameters()
    space.Choice("x", [number / 10 for number in range(choices)])
    driven = drive(oracle_in(tmp_path, space=space), slots=slots, steps=60)
    assert driven.answer == "STOPPED"
    first_rungs = [x_of(trial) for trial in driven.trials if place_of(trial)[1] == 0]
    assert sorted(first_rungs) == [number / 10 for number in range(choices)]
    # Fewer to choose among, but the best of them gets the full budget all the same.
    full = {x_of(trial) for trial in in_place(driven, 0, 0) + in_place(driven, 2, 2)}
    assert max(first_rungs) in full


@pytest.mark.parametrize("seed", [0, 2, 4])
def test_where_limits_leave_hardly_anything_those_that_were_found_go_on(tmp_path, seed):
    """An eighth of all values is allowed: once nothing is found, and later something would be."""
    oracle = oracle_in(tmp_path, seed=seed, allowed=lambda values: values["x"] < 0.12)
    driven = drive(oracle)
    assert driven.answer == "STOPPED"
    assert not oracle.exhausted()
    assert in_place(driven, 2, 2)
    for bracket in (1, 2):  # whatever was begun in it went on to its last rung
        assert bool(in_place(driven, bracket, 0)) == bool(in_place(driven, bracket, bracket))


class Checkpoints:
    """The folder of training states, pruned after each result as the search does it."""

    def __init__(self):
        self.there = set()
        self.most = 0

    def prune(self, oracle):
        self.there = set(oracle.end_order[-1:]) | self.there
        self.there &= oracle.needed_checkpoints()
        self.most = max(self.most, len(self.there))
        for trial in oracle.ongoing_trials.values():
            parent = trial.hyperparameters.values.get("tuner/trial_id")
            assert parent is None or parent in self.there


@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize("outcome", [finished, every_fifth_fails])
def test_a_checkpoint_is_kept_as_long_as_it_may_be_continued_and_no_longer(
    tmp_path, outcome, slots
):
    checkpoints = Checkpoints()
    oracle = oracle_in(tmp_path)

    def start_from_checkpoint(oracle):
        for trial in oracle.ongoing_trials.values():
            parent = trial.hyperparameters.values.get("tuner/trial_id")
            assert parent is None or parent in checkpoints.there
        return oracle

    driven = drive(
        oracle,
        outcome=outcome,
        slots=slots,
        before_step=start_from_checkpoint,
        after_finish=checkpoints.prune,
    )
    assert driven.live() == PLANNED
    assert 0 < checkpoints.most < len(driven.trials)
    assert oracle.needed_checkpoints() == set()


def test_running_trials_keep_their_checkpoints_over_a_restart(tmp_path):
    oracle = oracle_in(tmp_path)
    running = {oracle.create_trial(f"slot{slot}").trial_id for slot in range(3)}
    assert oracle.needed_checkpoints() >= running
    resumed = oracle_in(tmp_path)
    resumed.create_trial("the only slot there is now")
    assert resumed.needed_checkpoints() >= running


def test_an_open_ended_search_begins_round_after_round(tmp_path):
    baselines = [{"x": number / 10, "y": 0.5} for number in range(5)]
    oracle = oracle_in(tmp_path, baselines=baselines, open_ended=True, hyperband_iterations=0)
    with pytest.raises(AssertionError, match="the search does not end"):
        drive(oracle, steps=100)
    begun = [bracket["bracket_num"] for bracket in oracle._brackets]
    assert begun[:7] == [*BEGUN, *BEGUN, 0]
    sizes = [len(b["rounds"][0]) for b in oracle._brackets if b["bracket_num"] == 0]
    assert sizes[:2] == [5, 3]  # places for baselines are in the first alone
    state = json.loads((tmp_path / "oracle" / "oracle.json").read_text())
    assert state["hyperband_iterations"] == 1  # plain JSON, and one round where it is resumed


def test_what_was_open_ended_ends_its_round_where_it_goes_on_without_a_time_limit(tmp_path):
    oracle = oracle_in(tmp_path, open_ended=True, hyperband_iterations=0)
    with pytest.raises(AssertionError, match="the search does not end"):
        drive(oracle, steps=30)
    begun = len(oracle._brackets)
    resumed = oracle_in(tmp_path, hyperband_iterations=0)
    drive(resumed)
    assert len(resumed._brackets) <= begun + 2


@pytest.mark.parametrize("max_epochs", [1, 2])
def test_where_there_is_one_bracket_something_is_drawn_all_the_same(tmp_path, max_epochs):
    baselines = [{"x": number / 10, "y": 0.5} for number in range(5)]
    driven = drive(oracle_in(tmp_path, baselines=baselines, max_epochs=max_epochs))
    drawn = [trial for trial in driven.trials if x_of(trial) not in {0.0, 0.1, 0.2, 0.3, 0.4}]
    assert len(driven.trials) == 5 + len(drawn)
    assert drawn
    rungs = hyperband_rungs(max_epochs, 3, baselines=5)
    assert [rung.size for rung in rungs] == [len(driven.trials)]


def test_what_went_on_with_a_trial_whose_record_is_lost_is_in_no_bracket(tmp_path):
    driven = drive(oracle_in(tmp_path))
    run = RunFolder(tmp_path)
    for trial in driven.trials:
        finished(trial).with_outcome(
            parent=trial.hyperparameters.values.get("tuner/trial_id")
        ).save(run)
    child = next(t for t in driven.trials if "tuner/trial_id" in t.hyperparameters.values)
    lost = child.hyperparameters.values["tuner/trial_id"]
    (run.trials / f"{lost}.json").unlink()
    (tmp_path / "oracle" / "oracle.json").write_text("{ torn")
    with pytest.warns(UserWarning, match="broken state"):
        again = oracle_in(tmp_path)
    assert len(again.trials) == len(driven.trials) - 1
