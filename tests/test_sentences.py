from dataclasses import replace

import pytest

from search.evaluation.objective import OBJECTIVES
from search.insights.findings import Edge, FamilyResult, GoodValues, Importance
from search.insights.names import count, exact, human, listed, number, value_in_words
from search.insights.sentences import (
    ALL,
    NONE_AT_RANDOM,
    NOT_AT_RANDOM,
    ONLY_KNOWN_GOOD,
    at_the_end,
    mattered,
    sentences,
)

ACCURACY = OBJECTIVES["val_accuracy"]


def family(name, best, drawn=10):
    return FamilyResult(name, drawn + 1, drawn, best)


def row(name, *, of="cnn", good=None):
    return Importance(
        of, name, 0.1, 0.01, matters=good is not None, good=good and GoodValues(**good)
    )


EDGE = Edge("learning_rate", "cnn", True, 3, 1e-3, 1e-2, 9e-3, 7e-3, False, (1e-4, 1e-1))


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1.234e-3, "1.2e-3"), (1e-4, "1e-4"), (0.25, "0.25"), (0.01, "0.01"), (32.0, "32"), (0, "0")],
)
def test_numbers_are_short(value, expected):
    assert number(value) == expected


def test_names_are_those_that_people_use():
    assert human("augmentation/strength", "cnn") == "augmentation strength"
    assert human("transfer/head_units", "transfer") == "head units"
    assert human("sgd_learning_rate") == "SGD learning rate"
    assert (count(3), count(12)) == ("three", "12")
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert (value_in_words(True), value_in_words("batch"), value_in_words(1e-3)) == (
        "True",
        "batch",
        "1e-3",
    )


@pytest.mark.parametrize("value", [1e-4, 1.25e-4, 128.0, 4097.0, 1e6, 1234567.0, 0.3, 1 / 3])
def test_an_exact_number_is_read_as_the_same_again(value):
    assert float(exact(value)) == value


def test_an_exact_number_is_as_short_as_can_be():
    assert [exact(value) for value in (1e-4, 128.0, 0.1)] == ["1e-4", "128", "0.1"]


def test_values_that_were_not_drawn_at_random_are_not_judged_but_families_are():
    families = [family("transfer", 0.9), family("cnn", 0.8)]
    said = sentences(families, [], [], objective=ACCURACY, images=400, at_random=False)
    assert said[0].startswith("transfer is ahead with 0.9000")
    assert said[1:] == [NOT_AT_RANDOM]
    assert sentences([], [], [], objective=ACCURACY, at_random=False) == []


def test_what_mattered_is_said_with_where_it_was_good_and_what_is_not_known():
    rows = [
        row("learning_rate", good={"low": 1e-3, "high": 3e-3}),
        row("cnn/normalization", good={"value": "batch"}),
        row("cnn/blocks", good={"low": 4.0, "high": 4.0}),
        row("batch_size"),
        row("momentum", of="xception", good={"value": 0.9}),
    ]
    assert mattered("cnn", 49, rows) == (
        "What mattered for cnn, in 49 configurations: learning rate (good from 1e-3 to 3e-3), "
        "normalization (best: batch) and blocks (good at 4); "
        "one more cannot be told from chance."
    )


def test_where_nothing_can_be_told_one_sentence_says_so_for_all_families():
    said = sentences(
        [family("transfer", 0.9, 6), family("cnn", 0.8, 1)],
        [row("batch_size"), row("batch_size", of="transfer")],
        [],
        objective=ACCURACY,
    )
    assert said[1:] == [
        "With 6 configurations of transfer and 1 of cnn drawn at random, "
        "no value can be told to matter more than by chance."
    ]


def test_one_family_is_not_ahead_of_anything():
    said = sentences([family("cnn", 0.8, 1)], [], [], objective=ACCURACY)
    assert len(said) == 1
    assert said[0].startswith("With 1 configuration of cnn drawn at random")


def test_a_family_without_a_score_is_not_compared():
    families = [family("cnn", 0.8), family("xception", None)]
    said = sentences(families, [], [], objective=ACCURACY)
    assert len(said) == 1
    assert said[0].startswith("With 10 configurations of cnn and 10 of xception")


def test_what_families_share_is_said_of_all_together():
    families = [family("cnn", 0.9, 10), family("xception", 0.8, 20)]
    rows = [row("learning_rate", of=ALL, good={"low": 1e-3, "high": 2e-3})]
    said = sentences(families, rows, [], objective=ACCURACY)
    assert said[1].startswith(
        "What mattered for all families together, in 30 configurations: learning rate"
    )


def test_an_end_is_said_with_the_command_that_goes_beyond_it():
    assert at_the_end(EDGE) == (
        "learning rate of cnn: the three best are at its upper end (0.01); "
        "widen it: tune run … --range learning_rate=1e-4:0.1"
    )


def test_a_name_with_spaces_is_quoted_in_the_command():
    edge = replace(EDGE, name="Wide/number of units", family="Wide", widen=(32.0, 768.0))
    assert at_the_end(edge).endswith("--range 'Wide/number of units=32:768'")


def test_an_end_and_the_command_keep_every_digit_that_the_range_has():
    edge = replace(EDGE, end=1.25e-4, upper=False, widen=(1.25e-5, 0.0125))
    assert at_the_end(edge) == (
        "learning rate of cnn: the three best are at its lower end (0.000125); "
        "widen it: tune run … --range learning_rate=1.25e-05:0.0125"
    )


def test_families_of_which_nothing_was_drawn_are_not_counted():
    rows = [row("batch_size"), row("batch_size", of="transfer")]
    some = [family("transfer", 0.9, 0), family("cnn", 0.8, 3)]
    said = sentences(some, rows, [], objective=ACCURACY)
    assert said[1].startswith("With 3 configurations of cnn drawn at random")
    none = [family("transfer", 0.9, 0), family("cnn", 0.8, 0)]
    given = [replace(each, given=True) for each in none]
    assert sentences(given, rows, [], objective=ACCURACY)[1:] == [ONLY_KNOWN_GOOD]
    # Some were drawn around what is built in.
    assert sentences([given[0], none[1]], rows, [], objective=ACCURACY)[1:] == [NONE_AT_RANDOM]


def test_where_nothing_can_be_widened_only_what_was_seen_is_said():
    edge = Edge("cnn/filters", "cnn", True, 6, 1e-3, 32.0, 32.0, 32.0, True, None)
    assert at_the_end(edge) == (
        "filters of cnn: the six best that use it have its largest value (32)."
    )
