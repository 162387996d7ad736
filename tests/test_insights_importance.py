import logging
import warnings

import numpy as np
import optuna
import pytest

from search.insights.findings import GoodValues
from search.insights.good_values import good_values
from search.insights.importance import divergences, importances
from search.insights.space import Hyperparameter

RATE = Hyperparameter("rate", None, low=1e-4, high=1e-2, log=True, ranged=True)
DEPTH = Hyperparameter("depth", None, (1, 2, 3, 4), low=1.0, high=4.0)
KIND = Hyperparameter("kind", None, ("a", "b"), ordered=False)
SPACE = {each.name: each for each in (RATE, DEPTH, KIND)}


def sample(count=60):
    """Values of which only the rate matters, best at 1e-3, and their standings."""
    rng = np.random.default_rng(0)
    values = [
        {
            "rate": float(10 ** rng.uniform(-4, -2)),
            "depth": int(rng.integers(1, 5)),
            "kind": "ab"[rng.integers(2)],
        }
        for _ in range(count)
    ]
    scores = np.array([-abs(np.log10(each["rate"]) + 3) for each in values])
    return values, list((scores.argsort().argsort() + 0.5) / count)


def test_what_the_best_have_in_common_is_the_most_important():
    found = importances(SPACE, *sample())
    assert found["rate"] > 0.6
    assert sum(found.values()) == pytest.approx(1)


def test_it_is_the_best_that_count_and_not_the_worst():
    values, ranks = sample()
    for each, standing in zip(values, ranks, strict=True):
        each["kind"] = "a" if standing > 0.8 else "b"
    worst_first = [1 - standing for standing in ranks]
    found, turned = (divergences({"kind": KIND}, values, s) for s in (ranks, worst_first))
    assert found["kind"] > 5 * turned["kind"]


def test_optuna_keeps_silent_in_here_and_only_in_here(caplog):
    before = optuna.logging.get_verbosity()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        importances(SPACE, *sample(8))
    assert optuna.logging.get_verbosity() == before == logging.INFO
    assert not caplog.records


def test_a_number_was_good_in_the_middle_of_the_best_third():
    values, ranks = sample()
    good = good_values(RATE, values, ranks)
    assert 4e-4 < good.low < 1e-3 < good.high < 2.5e-3
    assert {good.low, good.high} <= {each["rate"] for each in values}


def test_of_choices_the_one_that_stands_best_by_its_median_was_good():
    values = [{"kind": kind} for kind in "aaabbb"]
    assert good_values(KIND, values, [0.99, 0.1, 0.2, 0.6, 0.5, 0.4]) == GoodValues(value="b")


def test_those_without_the_value_say_nothing_of_where_it_was_good():
    values = [{"depth": 4}, {}, {"depth": 2}, {}]
    assert good_values(DEPTH, values, [0.9, 0.8, 0.1, 0.7]) == GoodValues(low=4.0, high=4.0)
