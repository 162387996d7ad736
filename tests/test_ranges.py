import math

import click
import pytest
from made_up_search import begun
from searching import drive, finished, oracle_in, run_config

from search.algorithms.ranges import check_ranges, limits, with_ranges
from search.cli import _run
from search.cli.options.values import Range
from search.errors import TuneError
from search.insights.space import read_space
from search.run_folder.paths import RunFolder
from search.tuning.run import resume

RATE = ("learning_rate", 1e-3, 1.0)


@pytest.fixture
def space(tmp_path):
    return begun(RunFolder(tmp_path / "declared"))[1]


def by_name(space):
    return {entry.name: entry for entry in space.space}


def test_a_moved_range_is_all_that_changes(space):
    result, before = by_name(with_ranges(space, (RATE, ("cnn/blocks", 3.0, 4.0)))), by_name(space)
    assert list(result) == list(before)
    assert (result["learning_rate"].min_value, result["learning_rate"].max_value) == (1e-3, 1.0)
    assert (result["cnn/blocks"].min_value, result["cnn/blocks"].max_value) == (3, 4)
    for name in set(before) - {"learning_rate", "cnn/blocks"}:
        assert result[name].get_config() == before[name].get_config(), name
    conditions = [
        [c.get_config() for c in of["learning_rate"].conditions] for of in (result, before)
    ]
    assert conditions[0] == conditions[1] != []
    assert before["learning_rate"].max_value == 1e-2


def test_a_default_outside_comes_to_the_nearest_end(space):
    result = by_name(with_ranges(space, (("learning_rate", 0.01, 1.0), ("cnn/blocks", 2.0, 3.0))))
    assert result["learning_rate"].default == 0.01
    assert (result["cnn/blocks"].default, type(result["cnn/blocks"].default)) == (3, int)


@pytest.mark.parametrize("algo", ["random", "hyperband", "bayesian"])
def test_the_oracle_draws_from_the_moved_range_after_known_good_values_outside_it(tmp_path, algo):
    run = RunFolder(tmp_path / "run")
    options = {"algo": algo, "image_size": (96, 96), "max_trials": 14}
    _, space, baselines = begun(RunFolder(tmp_path / "declared"), **options)
    oracle = oracle_in(
        run.path,
        space=with_ranges(space, (("learning_rate", 0.1, 1.0),)),
        baselines=baselines,
        **options,
    )

    def outcome(trial):
        return finished(trial, score=0.5)

    driven = drive(oracle, outcome=outcome)
    first, *others = [trial.hyperparameters.values for trial in driven.trials]
    rates = [values["learning_rate"] for values in others if "learning_rate" in values]
    assert first["learning_rate"] == 1e-3
    assert len(rates) > 2
    assert all(0.1 <= rate <= 1.0 for rate in rates)
    assert (read_space(run)["learning_rate"].low, read_space(run)["learning_rate"].high) == (0.1, 1)


def test_ranges_that_the_search_has_are_let_pass(space):
    known = (RATE, ("cnn/dropout", 0.0, 0.9), ("cnn/blocks", 1.0, 3.0))
    assert check_ranges(known, space) is None  # else it raises
    for low, high in ((0.2, 0.3), (0.4, 0.5), (0.0, 0.1)):  # a step apart
        assert check_ranges((("cnn/dropout", low, high),), space) is None
    assert limits("Wide/shift", (-1.0, 1.0)) == (-1.0, math.inf)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ((("speed", 0.0, 1.0),), "no such range; there are augmentation/strength=0:1, cnn/block_"),
        ((("cnn/filters", 8.0, 64.0),), r"list of choices \(8, 16, 32\) and has no range"),
        ((("learning_rate", 0.1, 0.1),), "must be below the upper end, as 0.0001:0.01"),
        ((("learning_rate", 0.0, 0.1),), "both ends from 1e-08 to 10"),
        ((("cnn/dropout", 0.0, 0.95),), "both ends from 0 to 0.9"),
        ((("augmentation/strength", 0.0, 1.5),), "both ends from 0 to 1"),
        ((("cnn/blocks", 2.0, 6.0),), "both ends from 1 to 5"),
        ((("cnn/blocks", 2.0, 3.5),), "whole numbers, as 2:5"),
        ((("cnn/dropout", 0.5, 0.55),), "at least 0.1 apart"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(space, asked, said):
    with pytest.raises(TuneError, match=said) as error:
        check_ranges(asked, space)
    name, low, high = asked[0]
    assert str(error.value).startswith(f"--range {name}={low:g}:{high:g}: ")


def test_a_range_is_written_as_name_and_two_numbers():
    assert Range().convert("learning_rate=1e-4:1e-1", None, None) == ("learning_rate", 1e-4, 0.1)


def test_a_range_is_given_once(photos, capsys):
    twice = ["--range", "learning_rate=1e-4:1", "--range", "learning_rate=1e-3:1"]
    assert _run(["run", str(photos), *twice]) == 2
    assert "learning_rate has a range already; give it once" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["learning_rate", "=1:2", "a=1", "a=1:2:3", "a=x:1", "a=nan:1", "a=0:inf", "a=2:1"]
)
def test_other_ways_of_writing_a_range_are_refused(text):
    with pytest.raises(click.BadParameter):
        Range().convert(text, None, None)


def test_a_run_is_not_begun_with_a_range_that_it_does_not_have(tmp_path, photos, capsys):
    where = ["--name", "x", "--results", str(tmp_path / "results")]
    options = ["--families", "cnn", "--workers", "0", "--max-time", "1s", *where]
    assert _run(["run", str(photos), "--range", "cnn/dropout=0:2", *options]) == 1
    assert "--range cnn/dropout=0:2: expected both ends from 0 to 0.9" in capsys.readouterr().err
    assert not (tmp_path / "results" / "x").exists()


def test_a_run_does_not_go_on_with_another_range(tmp_path):
    run = RunFolder(tmp_path / "run")
    run_config(ranges=(RATE,)).save(run)
    with pytest.raises(TuneError, match="ranges: was"):
        resume(run, None, {"ranges": (("learning_rate", 1e-3, 0.5),)}, None)


def test_blocks_end_where_they_are_declared_to_and_other_sizes_nowhere_above():
    assert limits("xception/blocks", (2, 4)) == (1.0, 4)
    assert limits("cnn/filters", (8, 32)) == (0.0, float("inf"))
    assert limits("sgd_learning_rate", (1e-3, 0.1))[0] > 0
