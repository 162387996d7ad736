from itertools import islice

import numpy as np
import pytest

from search.insights import permutation_test as chance
from search.insights.permutation_test import BLOCK, PERMUTATIONS, chance_levels
from search.insights.space import Hyperparameter

SPACE = {
    "rate": Hyperparameter("rate", None, low=0.0, high=1.0, ranged=True),
    "depth": Hyperparameter("depth", None, (1, 2, 3, 4), low=1.0, high=4.0),
    "kind": Hyperparameter("kind", None, ("a", "b", "c"), ordered=False),
    "rest": Hyperparameter("rest", None, low=0.0, high=1.0, ranged=True),
}


def drawn(rng, count):
    return [
        {
            "rate": float(rng.random()),
            "depth": int(rng.integers(1, 5)),
            "kind": "abc"[rng.integers(3)],
            "rest": float(rng.random()),
        }
        for _ in range(count)
    ]


def levels(of, *, count=40, seed=0, space=SPACE):
    """Chance levels where the standing is the rank of `of(values, noise)`."""
    rng = np.random.default_rng(seed)
    values = drawn(rng, count)
    scores = np.array([of(each, rng.standard_normal()) for each in values])
    ranks = (scores.argsort().argsort() + 0.5) / count
    return chance_levels(space, values, list(ranks))


@pytest.mark.parametrize(
    ("name", "course"),
    [
        ("rate", lambda v: 4 * v["rate"]),
        ("rate", lambda v: -20 * (v["rate"] - 0.5) ** 2),
        ("depth", lambda v: -v["depth"]),
        ("kind", lambda v: 3 * (v["kind"] == "b")),
    ],
    ids=["rising", "humped", "falling", "choice"],
)
def test_what_the_standing_depends_on_is_beyond_chance_and_nothing_else_is(name, course):
    found = levels(lambda values, noise: course(values) + 0.3 * noise, seed=1)
    assert found.pop(name) < 0.01
    assert min(found.values()) > 0.05


def test_noise_is_named_in_no_more_searches_than_allowed():
    named = sum(min(levels(lambda _, noise: noise, seed=s).values()) <= 0.05 for s in range(60))
    assert named <= 7  # of 60 at 5 %: more has a chance of 1 in 100


def test_a_dozen_values_to_ask_about_make_one_harder_to_name():
    many = SPACE | {f"more{number}": SPACE["rest"] for number in range(12)}

    def tell(space):
        rng = np.random.default_rng(4)
        values = drawn(rng, 12)
        for each in values:
            each |= {name: float(rng.random()) for name in many if name.startswith("more")}
        scores = np.array([each["rate"] + 0.25 * rng.standard_normal() for each in values])
        ranks = list((scores.argsort().argsort() + 0.5) / 12)
        named = {
            name: Hyperparameter(name, None, low=0.0, high=1.0, ranged=True)
            if name.startswith("more")
            else each
            for name, each in space.items()
        }
        return chance_levels(named, values, ranks)["rate"]

    assert tell({"rate": SPACE["rate"]}) < tell(many)


def test_conditional_values_are_judged_among_those_that_have_them():
    rng = np.random.default_rng(0)
    values = drawn(rng, 40)
    for each in values[20:]:
        del each["rate"]
    scores = np.array([each.get("rate", rng.random()) for each in values])
    ranks = list((scores.argsort().argsort() + 0.5) / 40)
    assert chance_levels(SPACE, values, ranks)["rate"] < 0.01


def test_what_too_few_have_or_what_never_differs_is_not_asked_about():
    values = [{"rate": n / 5, "depth": 2} for n in range(3)] + [{"depth": 2}] * 3
    assert chance_levels(SPACE, values, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]) == {}


def test_the_same_results_are_judged_the_same():
    once, again = (levels(lambda v, noise: v["rate"] + noise) for _ in range(2))
    assert once == again


@pytest.mark.parametrize("count", [10_000, 100_000, 3 * BLOCK])
def test_memory_is_bounded_whatever_the_number_of_configurations(count):
    rows = chance._rows(np.zeros(count), np.random.default_rng(0))
    assert all(block.size <= max(BLOCK, count) for block in islice(rows, 3))
    assert 5 * 8 * BLOCK < 200e6  # bytes: the block, its square, and what numpy needs beside


def test_in_blocks_or_at_once_the_permutations_are_the_same(monkeypatch):
    ranks = np.arange(7.0)

    def permuted():
        return list(chance._rows(ranks, np.random.default_rng(0)))

    at_once = permuted()
    monkeypatch.setattr(chance, "BLOCK", 7 * 900)
    in_blocks = permuted()
    assert [len(block) for block in at_once] == [1, PERMUTATIONS]
    assert [len(block) for block in in_blocks] == [1, 900, 900, 900, 900, 900, 499]
    np.testing.assert_array_equal(np.vstack(at_once), np.vstack(in_blocks))
    assert (at_once[0][0] == ranks).all()


def test_in_blocks_or_at_once_the_levels_are_the_same(monkeypatch):
    at_once = levels(lambda v, noise: v["rate"] + noise)
    monkeypatch.setattr(chance, "BLOCK", 1000)
    assert levels(lambda v, noise: v["rate"] + noise) == at_once
