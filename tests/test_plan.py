import pytest
from searching import run_config

from models.families.registry import FAMILIES
from search.algorithms.registry import _may_give_up, make_plan


@pytest.mark.parametrize(
    ("max_epochs", "configurations", "trials", "epochs"),
    [(9, 17, 23, 75), (27, 49, 70, 375), (81, 143, 211, 1767)],
)
def test_hyperband_at_factor_3_costs_what_was_counted(max_epochs, configurations, trials, epochs):
    plan = make_plan(run_config(max_epochs=max_epochs))
    assert (plan.configurations, plan.trials, plan.epochs) == (configurations, trials, epochs)


@pytest.mark.parametrize(("max_epochs", "epochs"), [(10, 120), (30, 576)])
def test_one_epoch_more_than_a_power_of_the_factor_makes_the_budget_jump(max_epochs, epochs):
    assert make_plan(run_config(max_epochs=max_epochs)).epochs == epochs


def test_each_known_good_configuration_has_a_place_in_the_bracket_without_halving():
    few = make_plan(run_config(families=("cnn", "xception"))).rungs[0]
    many = make_plan(run_config(families=("cnn", "xception", "transfer"))).rungs[0]
    assert (few.bracket, few.initial_epoch, few.epochs, few.size) == (0, 0, 9, 3)
    trained = [family for family in FAMILIES.values() if not family.solved]
    # Without pretrained weights nothing is fine-tuned.
    baselines = [v for f in trained for v in f.baselines if "transfer/unfreeze" not in v]
    assert (many.bracket, many.size) == (0, len(baselines))
    assert many.size > 3


def test_each_further_round_of_hyperband_costs_the_same_and_has_no_place_for_baselines():
    once, twice, thrice = (
        make_plan(run_config(families=("transfer", "cnn"), hyperband_iterations=times))
        for times in (1, 2, 3)
    )
    assert thrice.trials - twice.trials == twice.trials - once.trials
    assert thrice.epochs - twice.epochs == twice.epochs - once.epochs
    (first, *_), (second, *_) = once.rungs, twice.rungs[len(once.rungs) :]
    assert first.size > second.size == 3


def test_where_the_number_of_rounds_is_left_open_one_is_planned():
    left_open, once = (make_plan(run_config(hyperband_iterations=times)) for times in (0, 1))
    assert left_open == once
    assert run_config(hyperband_iterations=0).open_ended
    assert not run_config(hyperband_iterations=1).open_ended
    for algo in ("random", "bayesian"):
        assert run_config(max_trials=0, algo=algo).open_ended
        assert not run_config(max_trials=5, hyperband_iterations=0, algo=algo).open_ended


def test_the_rungs_of_a_bracket_follow_one_another():
    first = [rung for rung in make_plan(run_config(max_epochs=9)).rungs if rung.bracket == 2]
    assert [(rung.size, rung.initial_epoch, rung.epochs) for rung in first] == [
        (9, 0, 1),
        (3, 1, 3),
        (1, 3, 9),
    ]


@pytest.mark.parametrize("algo", ["random", "bayesian"])
def test_other_algorithms_train_every_trial_in_full(algo):
    plan = make_plan(run_config(algo=algo, max_trials=20, max_epochs=9))
    assert (plan.configurations, plan.trials, plan.epochs) == (20, 20, 180)


@pytest.mark.parametrize(
    ("changes", "may"),
    [
        ({}, True),
        ({"families": ("probe", "transfer", "cnn", "xception")}, True),  # of one backbone
        ({"families": ("cnn", "xception")}, False),
        ({"objective": "val_loss"}, False),
        ({"max_size": 10**6}, False),
    ],
)
def test_a_family_may_be_given_up_where_all_are_searched(changes, may):
    config = run_config(**({"families": tuple(FAMILIES), "objective": "val_accuracy"} | changes))
    assert _may_give_up(config) is may
