"""Draws by Optuna's TPE over spaces with conditions."""

import keras_tuner
import numpy as np
import pytest

from search.algorithms.sampler import STARTUP, Sampler
from search.algorithms.seen_trials import Seen
from search.algorithms.unit_space import active


def conditional_space(default="deep"):
    """Two kinds; the one has a rate on a logarithm and an ordered choice, the other a switch."""
    space = keras_tuner.HyperParameters()
    space.Choice("kind", ["deep", "wide"], default=default)
    space.Float("dropout", 0.0, 0.5, step=0.1)
    with space.conditional_scope("kind", ["deep"]):
        space.Float("deep/rate", 1e-4, 1e-1, sampling="log")
        space.Choice("deep/blocks", [2, 3, 5])
    with space.conditional_scope("kind", ["wide"]):
        space.Boolean("wide/norm")
        space.Fixed("wide/version", 2)
    return space


def score(values):
    """Best: deep, with a rate of 1e-2 and 5 blocks."""
    if values["kind"] == "wide":
        return 0.3
    return 0.9 - 0.2 * abs(np.log10(values["deep/rate"]) + 2) + 0.02 * values["deep/blocks"]


def searched(count, *, space=None, epochs=lambda number: 1, full=1, seed=0):
    space, seen = space or conditional_space(), []
    for number in range(count):
        values = Sampler().draw(space, seen, full=full, seed=seed + number)
        seen.append(Seen(values, score(values), epochs(number)))
    return seen


def test_values_are_those_of_the_space_and_of_their_scope_alone():
    for each in searched(25):
        values = each.values
        assert round(values["dropout"] * 10) / 10 == pytest.approx(values["dropout"])
        assert 0 <= values["dropout"] <= 0.5
        if values["kind"] == "deep":
            assert set(values) == {"kind", "dropout", "deep/rate", "deep/blocks"}
            assert 1e-4 <= values["deep/rate"] <= 1e-1
            assert values["deep/blocks"] in (2, 3, 5)
        else:
            assert set(values) == {"kind", "dropout", "wide/norm", "wide/version"}
            assert values["wide/version"] == 2
            assert isinstance(values["wide/norm"], bool)


@pytest.mark.parametrize("default", ["deep", "wide"])
def test_later_draws_are_where_scores_are_high(default):
    space = conditional_space(default)
    several = [searched(60, space=space, seed=1000 * number) for number in range(3)]
    scores = np.array([[each.score for each in seen] for seen in several])
    assert scores[:, -15:].mean() > scores[:, :STARTUP].mean() + 0.15
    # Within the better kind too, whichever is the default: 0.80 at random.
    deep = [[each.score for each in seen if each.values["kind"] == "deep"] for seen in several]
    assert np.mean([each[-15:] for each in deep]) > 0.86


@pytest.mark.parametrize("default", ["deep", "wide"])
def test_what_a_configuration_has_follows_from_its_values_and_not_from_defaults(default):
    values = {"kind": "deep", "dropout": 0.1, "deep/rate": 1e-3, "deep/blocks": 3}
    given = dict(values)
    assert [entry.name for entry in active(conditional_space(default), given)] == list(values)
    assert given == values


def test_a_draw_depends_on_what_was_seen_and_on_its_seed_alone():
    space, seen = conditional_space(), searched(20)
    first = Sampler().draw(space, seen, full=1, seed=7)
    assert Sampler().draw(space, seen, full=1, seed=7) == first
    assert Sampler().draw(space, seen, full=1, seed=8) != first
    assert Sampler().draw(space, [], full=1, seed=7) != first


def rates_after(seen):
    space = keras_tuner.HyperParameters()
    space.Float("rate", 0.0, 1.0)
    return [Sampler().draw(space, seen, full=9, seed=seed)["rate"] for seed in range(20)]


def near(rate, score, *, epochs, spread=0.05):
    return [
        Seen({"rate": rate + spread * (i / 9 - 0.5)}, None if score is None else score, epochs)
        for i in range(10)
    ]


def test_a_score_after_more_epochs_counts_before_a_higher_one_after_few():
    seen = near(0.2, 0.9, epochs=1) + near(0.8, 0.5, epochs=9)
    assert np.mean(rates_after(seen)) > 0.6
    seen = near(0.2, 0.9, epochs=1) + near(0.8, 0.5, epochs=3)
    assert np.mean(rates_after(seen)) > 0.6


def test_what_failed_is_kept_away_from():
    seen = near(0.2, None, epochs=9) + near(0.8, 0.5, epochs=9)
    assert np.mean(rates_after(seen)) > 0.6


def test_a_baseline_outside_of_its_range_counts_as_one_at_the_end():
    seen = near(0.2, 0.5, epochs=9) + near(2.0, 0.9, epochs=9)
    assert np.mean(rates_after(seen)) > 0.7


def test_a_baseline_outside_of_the_space_does_no_harm():
    space = conditional_space()
    strange = Seen({"kind": "deep", "dropout": 0.9, "deep/rate": 1.0, "deep/blocks": 4}, 0.99, 1)
    older = Seen({"kind": "gone", "momentum": 0.9}, 0.99, 1)
    seen = [strange, older, *searched(STARTUP, space=space)]
    assert Sampler().draw(space, seen, full=1, seed=3)["kind"] in ("deep", "wide")


def test_one_name_may_have_other_values_in_another_scope():
    space = keras_tuner.HyperParameters()
    space.Choice("kind", ["deep", "wide"])
    for kind, values in (("deep", ["s", "m", "l"]), ("wide", ["m", "xl"])):
        with space.conditional_scope("kind", [kind]):
            space.Choice("size", values)
    seen = []
    for number in range(15):
        values = Sampler().draw(space, seen, full=1, seed=number)
        assert values["size"] in (["s", "m", "l"] if values["kind"] == "deep" else ["m", "xl"])
        seen.append(Seen(values, 0.5, 1))


def test_what_is_kept_between_draws_changes_none():
    """As scores come in, one of them twice, and after a trial that goes on."""
    space = space_of_two()
    kept, seen = Sampler(), []
    for number in range(STARTUP + 12):
        seen.append(Seen({"x": number / 40, "kind": "ab"[number % 2]}, number / 40, epochs=9))
        if number == STARTUP + 5:
            seen[3] = Seen(seen[3].values, 0.9, epochs=9)
            seen.append(seen[3])
        expected = Sampler().draw(space, seen, full=9, seed=number)
        assert kept.draw(space, seen, full=9, seed=number) == expected


def space_of_two():
    space = keras_tuner.HyperParameters()
    space.Float("x", 0.0, 1.0)
    space.Choice("kind", ["a", "b"])
    return space
