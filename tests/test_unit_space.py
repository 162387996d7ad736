"""Ranges and choices on a scale of their own."""

from collections import Counter

import keras_tuner
import numpy as np
import pytest

from search.algorithms.unit_space import anywhere, place, value_at


def declared(declare):
    space = keras_tuner.HyperParameters()
    declare(space)
    (entry,) = space.space
    return entry


# In floats 0.5 // 0.1 is 4: KerasTuner's own draws end at 0.4.
STEPPED = [(0.0, 0.5, 0.1, 6), (0.0, 1.0, 0.1, 11), (0.2, 0.8, 0.2, 4), (0.0, 0.55, 0.1, 6)]


@pytest.mark.parametrize(("low", "high", "step", "count"), STEPPED)
def test_a_range_with_steps_has_both_of_its_ends_and_all_between(low, high, step, count):
    entry = declared(lambda space: space.Float("x", low, high, step=step))
    random = np.random.default_rng(0)
    drawn = Counter(anywhere(entry, random.random()) for _ in range(3000))
    values = [round(low + number * step, 10) for number in range(count)]
    assert sorted(drawn) == values
    assert min(drawn.values()) > 0.7 * 3000 / count
    # Each comes back from its place.
    assert [value_at(entry, place(entry, value)) for value in values] == values


@pytest.mark.parametrize("value", [-1.0, 0.04, 0.26, 7.0])
def test_a_value_beside_the_steps_or_the_range_has_the_place_of_the_nearest(value):
    entry = declared(lambda space: space.Float("x", 0.0, 0.5, step=0.1))
    nearest = min(max(round(value, 1), 0.0), 0.5)
    assert value_at(entry, place(entry, value)) == nearest


@pytest.mark.parametrize(
    "declare",
    [
        lambda space: space.Float("x", 1e-4, 1e-1, sampling="log"),
        lambda space: space.Float("x", 0.0, 1.0),
        lambda space: space.Int("x", 2, 5),
    ],
)
def test_other_ranges_are_drawn_evenly_on_their_scale(declare):
    entry = declared(declare)
    random = np.random.default_rng(0)
    places = [place(entry, anywhere(entry, random.random())) for _ in range(2000)]
    assert np.mean(places) == pytest.approx(0.5, abs=0.03)
    assert np.std(places) == pytest.approx(0.29, abs=0.03)


@pytest.mark.parametrize(
    ("declare", "values"),
    [
        (lambda space: space.Choice("x", ["a", "b", "c"]), {"a", "b", "c"}),
        (lambda space: space.Boolean("x"), {True, False}),
        (lambda space: space.Fixed("x", 7), {7}),
    ],
)
def test_each_choice_is_drawn_as_often(declare, values):
    entry = declared(declare)
    random = np.random.default_rng(0)
    drawn = Counter(anywhere(entry, random.random()) for _ in range(600))
    assert set(drawn) == values
    assert min(drawn.values()) > 0.8 * 600 / len(values)


def test_the_end_of_a_logarithm_of_whole_numbers_is_its_end():
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 32, 512, sampling="log")
    (entry,) = hp.space
    assert (value_at(entry, 0.0), value_at(entry, 1.0)) == (32, 512)
