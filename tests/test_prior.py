"""Draws around a configuration that is known to be good."""

import keras_tuner
import numpy as np
import pytest

from search.algorithms.prior import around

CENTRE = {"family": "cnn", "cnn/rate": 1e-2, "cnn/blocks": 3, "cnn/pooling": "max"}


@pytest.fixture(scope="module")
def space():
    space = keras_tuner.HyperParameters()
    space.Choice("family", ["cnn", "xception"])
    with space.conditional_scope("family", ["cnn"]):
        space.Float("cnn/rate", 1e-4, 1e-1, sampling="log")
        space.Choice("cnn/blocks", [1, 2, 3, 4, 5])
        space.Choice("cnn/pooling", ["max", "average", "none"])
    with space.conditional_scope("family", ["xception"]):
        space.Float("xception/width", 0.0, 1.0)
    return space


@pytest.fixture(scope="module")
def drawn(space):
    return [around(space, CENTRE, keep="family", seed=seed) for seed in range(400)]


def test_values_are_those_of_the_space_and_of_the_family_that_is_kept(drawn):
    assert {tuple(values) for values in drawn} == {tuple(CENTRE)}
    assert {values["family"] for values in drawn} == {"cnn"}
    assert all(1e-4 <= values["cnn/rate"] <= 1e-1 for values in drawn)


def test_half_of_the_values_are_as_they_were(drawn):
    kept = np.mean([values["cnn/rate"] == CENTRE["cnn/rate"] for values in drawn])
    assert kept == pytest.approx(0.5, abs=0.1)


def test_a_number_moves_a_little_on_its_own_scale(drawn):
    moved = [np.log10(v["cnn/rate"]) + 2 for v in drawn if v["cnn/rate"] != CENTRE["cnn/rate"]]
    # A quarter of three powers of ten, cut off at the ends.
    assert np.std(moved) == pytest.approx(0.68, abs=0.12)
    assert np.mean(moved) == pytest.approx(0, abs=0.15)


def test_an_ordered_choice_moves_to_a_neighbour_and_another_to_any(drawn):
    assert {values["cnn/blocks"] for values in drawn} == {2, 3, 4}
    assert {values["cnn/pooling"] for values in drawn} == {"max", "average", "none"}


def test_what_the_centre_lacks_or_the_space_has_not_is_drawn_at_random(space):
    centre = {"family": "cnn", "cnn/rate": 1e-2, "cnn/pooling": "median"}
    drawn = [around(space, centre, keep="family", seed=seed) for seed in range(100)]
    assert {values["cnn/blocks"] for values in drawn} == {1, 2, 3, 4, 5}
    assert {values["cnn/pooling"] for values in drawn} == {"max", "average", "none"}


def test_the_same_seed_draws_the_same(space):
    first, again, other = (around(space, CENTRE, keep="family", seed=seed) for seed in (7, 7, 8))
    assert first == again != other


def test_a_value_outside_of_a_moved_range_becomes_its_end(space):
    drawn = [around(space, {**CENTRE, "cnn/rate": 1.0}, keep="family", seed=n) for n in range(50)]
    rates = [values["cnn/rate"] for values in drawn]
    assert max(rates) == pytest.approx(1e-1)
    assert sum(rate == pytest.approx(1e-1) for rate in rates) > 15
