import keras_tuner
import pytest
from searching import oracle_in

from search.algorithms.ranges import check_ranges
from search.cli.options.values import Range
from search.insights.findings import Edge
from search.insights.range_edges import edges, widened
from search.insights.ranks import Member
from search.insights.sentences import at_the_end
from search.insights.space import Hyperparameter, read_space
from search.run_folder.paths import RunFolder

RATE = Hyperparameter("learning_rate", None, low=1e-4, high=1e-2, log=True, ranged=True)
DROPOUT = Hyperparameter(
    "cnn/dropout", "cnn", (0.0, 0.1, 0.2, 0.3, 0.4, 0.5), low=0.0, high=0.5, ranged=True
)
FILTERS = Hyperparameter("cnn/filters", "cnn", (8, 16, 32), low=8.0, high=32.0)
POOLING = Hyperparameter("cnn/pooling", "cnn", ("average", "flatten"), ordered=False)


def ranked(name, values, baselines=()):
    """Members with these values of one hyperparameter (None: it is inactive), best first."""
    return [
        Member(
            configuration=f"{number:04}",
            family="cnn",
            bracket=0,
            values={} if value is None else {name: value},
            at_random=number not in baselines,
            reached=(True, 1, -float(number)),
        )
        for number, value in enumerate(values)
    ]


def found(hyperparameter, values, **options):
    space = {hyperparameter.name: hyperparameter}
    return edges(space, "cnn", ranked(hyperparameter.name, values, **options), level=0.05)


MIDDLE = [1e-3] * 20


def test_the_best_three_in_the_outer_tenth_of_a_logarithmic_range_are_reported():
    (edge,) = found(RATE, [9e-3, 7e-3, 8e-3, *MIDDLE])
    assert (edge.name, edge.family, edge.upper, edge.best) == ("learning_rate", "cnn", True, 3)
    assert (edge.end, edge.nearest, edge.furthest) == (1e-2, 9e-3, 7e-3)
    assert edge.widen == (1e-4, 0.1)
    # A tenth of two decades is a fifth of one: below 6.3e-3 it is not the end any more.
    assert found(RATE, [9e-3, 6e-3, 8e-3, *MIDDLE]) == []


def test_the_end_of_a_range_with_steps_is_its_last_value():
    units = Hyperparameter("units", None, (32, 64, 96), low=32.0, high=100.0, ranged=True)
    (edge,) = found(units, [96] * 5 + [32] * 9 + [64] * 9)
    assert (edge.end, edge.nearest, edge.widen) == (96.0, 96.0, (32.0, 164.0))


def test_two_are_not_enough():
    assert found(RATE, [9e-3, 9e-3, *MIDDLE]) == []


def test_the_lower_end_is_an_end_too():
    (edge,) = found(RATE, [1.1e-4, 1.2e-4, 1.3e-4, *MIDDLE])
    assert (edge.upper, edge.nearest, edge.widen) == (False, 1.1e-4, (1e-5, 1e-2))


def test_where_many_configurations_lie_at_an_end_three_best_there_say_nothing():
    assert found(RATE, [9e-3] * 3 + [1e-3, 9e-3] * 10) == []


def test_a_list_of_three_needs_more_than_three():
    others = [8, 16, 32] * 6
    assert found(FILTERS, [32, 32, 32, 8, *others]) == []
    (edge,) = found(FILTERS, [32] * 6 + [8, *others])
    assert (edge.best, edge.end, edge.widen) == (6, 32.0, None)


def test_choices_without_order_have_no_end():
    assert found(POOLING, ["average"] * 6 + ["flatten"] * 20) == []


def test_nothing_lies_below_a_dropout_of_zero():
    others = [0.1, 0.2, 0.3, 0.4, 0.5] * 4
    (edge,) = found(DROPOUT, [0.0] * 4 + others)
    assert (edge.upper, edge.widen) == (False, None)
    (edge,) = found(DROPOUT, [0.5] * 5 + [0.0, *others])
    assert (edge.upper, edge.widen) == (True, (0.0, 0.8))


def test_known_good_ones_at_an_end_are_no_evidence_of_their_own():
    assert found(RATE, [9e-3] * 4 + MIDDLE, baselines={0, 1}) == []
    (edge,) = found(RATE, [9e-3] * 4 + MIDDLE, baselines={1})
    assert edge.best == 4


def test_a_known_good_one_elsewhere_among_the_best_speaks_against_the_end():
    assert found(RATE, [9e-3, 9e-3, 1e-3, 9e-3, *MIDDLE], baselines={2}) == []


def test_those_that_have_no_such_value_are_passed_over():
    (edge,) = found(RATE, [None, 9e-3, None, 9e-3, 9e-3, *MIDDLE])
    assert (edge.best, edge.partial) == (3, True)
    (edge,) = found(RATE, [9e-3, 9e-3, 9e-3, *MIDDLE])
    assert edge.partial is False


def test_diverged_ones_do_not_count():
    members = ranked("learning_rate", [9e-3, 9e-3, 9e-3, *MIDDLE])
    lost = [Member("9999", "cnn", 0, {"learning_rate": 9e-3}, False, (False, 0, 0.0))] * 30
    space = {"learning_rate": RATE}
    (edge,) = edges(space, "cnn", members + lost, level=0.05)
    assert edge.partial is False


def test_what_may_be_by_chance_is_dealt_out_among_the_ends():
    members = ranked("learning_rate", [9e-3, 9e-3, 9e-3, *MIDDLE])  # 1 of 1771, and two ends
    space = {"learning_rate": RATE}
    assert len(edges(space, "cnn", members, level=2.1 / 1771)) == 1
    assert edges(space, "cnn", members, level=1.9 / 1771) == []


@pytest.mark.parametrize(
    ("name", "values", "ends", "upper", "expected"),
    [
        ("augmentation/strength", (0.0, 0.5, 1.0), (0.0, 1.0), True, None),
        ("cnn/dropout", (0.0, 0.4, 0.8), (0.0, 0.8), True, (0.0, 0.9)),
        ("xception/blocks", (2, 3, 4), (2, 4), True, None),
        ("xception/blocks", (2, 3, 4), (2, 4), False, (1.0, 4.0)),
        ("depth", (2, 3, 4, 5), (2, 5), True, (2.0, 7.0)),
        ("units", (32, 64, 96), (32, 100), True, (32.0, 164.0)),  # whole steps
        ("units", (33, 65, 97), (33, 100), False, (0.0, 100.0)),
        ("Wide/strength", (2.0, 4.0, 10.0), (2.0, 10.0), False, None),  # means something else
    ],
)
def test_a_range_is_widened_as_far_as_it_has_a_meaning(name, values, ends, upper, expected):
    low, high = map(float, ends)
    one = Hyperparameter(name, None, values, low=low, high=high, ranged=True)
    assert widened(one, upper=upper) == expected


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize(
    "declare",
    [
        lambda space: space.Float("learning_rate", 1.25e-4, 3.3333e-2, sampling="log"),
        lambda space: space.Float("cnn/dropout", 0.05, 0.35, step=0.1),
        lambda space: space.Float("augmentation/strength", 0.1, 1 / 3),
        lambda space: space.Float("temperature", 1000.0, 1004.0),
        lambda space: space.Int("cnn/units", 128, 1027),
        lambda space: space.Int("cnn/units", 3, 128, sampling="log"),
        lambda space: space.Int("cnn/units", 48, 176, step=16),
        lambda space: space.Int("batch_size", 8, 4097),
        lambda space: space.Int("xception/blocks", 2, 4),
    ],
    ids=["rate", "dropout", "third", "narrow", "units", "log", "steps", "odd", "blocks"],
)
def test_the_printed_command_moves_one_end_and_leaves_the_other_to_the_last_digit(
    tmp_path, declare, upper
):
    space = keras_tuner.HyperParameters()
    declare(space)
    oracle_in(tmp_path, space=space).save()
    ((name, one),) = read_space(RunFolder(tmp_path)).items()
    widen = widened(one, upper=upper)
    if widen is None:  # nothing has a meaning beyond
        assert (name, upper) == ("xception/blocks", True)
        return
    said = at_the_end(Edge(name, "cnn", upper, 3, 1e-3, one.high, 1.0, 1.0, False, widen))
    asked = Range().convert(said.split("--range ")[1], None, None)
    check_ranges((asked,), space)  # what we advise is not refused
    _, low, high = asked
    assert (low == one.low and high > one.high) if upper else (high == one.high and low < one.low)


def test_nothing_is_below_one_on_the_logarithm_of_whole_numbers():
    units = Hyperparameter("units", None, low=1, high=128, log=True, ranged=True, whole=True)
    assert widened(units, upper=False) is None
    assert widened(units, upper=True) == (1, 1280)
