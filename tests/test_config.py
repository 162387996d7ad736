import json
import os
from dataclasses import replace

import pytest
from searching import run_config

from search.errors import TuneError
from search.evaluation.objective import OBJECTIVES
from search.run_folder.config import RunConfig, objective_of
from search.run_folder.paths import RunFolder


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path / "run")


def test_a_configuration_is_read_back_equal_tuples_included(run):
    config = run_config(families=("cnn", "xception"), image_size=(120, 160), preset="keras-2022")
    config.save(run)
    assert RunConfig.load(run) == config


@pytest.mark.parametrize("change", ["one more", "one less"])
def test_another_version_is_refused_with_what_differs(run, change):
    run_config().save(run)
    values = json.loads(run.config.read_text())
    if change == "one more":
        values["colour"] = "red"
    else:
        del values["factor"]
    run.config.write_text(json.dumps(values))
    with pytest.raises(
        TuneError, match=f"another version.*{'colour' if change == 'one more' else 'factor'}"
    ):
        RunConfig.load(run)


def test_a_run_of_an_older_version_has_the_default_of_what_that_did_not_know(run):
    run_config().save(run)
    values = json.loads(run.config.read_text())
    del values["ranges"], values["preset"]
    run.config.write_text(json.dumps(values))
    assert RunConfig.load(run) == run_config()


def test_moved_ranges_are_read_back_equal_and_another_one_is_a_difference(run):
    config = run_config(ranges=(("cnn/blocks", 2.0, 3.0), ("learning_rate", 1e-4, 0.1)))
    config.save(run)
    assert RunConfig.load(run) == config
    assert RunConfig.load(run).differences({"ranges": config.ranges}) == []
    (line,) = config.differences({"ranges": (("learning_rate", 1e-4, 0.2),)})
    assert line.startswith("ranges: was ")


def test_a_missing_configuration_is_named(run):
    with pytest.raises(TuneError, match=r"config\.json: no such file"):
        RunConfig.load(run)


def test_differences_say_what_was_and_what_is_asked_for():
    config = run_config(seed=0, max_epochs=9)
    asked = {"seed": 1, "max_epochs": 9, "image_size": (16, 16)}
    assert config.differences(asked) == ["seed: was 0, now 1"]


def test_differences_are_said_as_options_are_written():
    config = run_config(families=("cnn", "xception"))
    asked = {"families": ("cnn",), "ranges": (("learning_rate", 1e-4, 0.1),)}
    assert config.differences(asked) == [
        "families: was cnn,xception, now cnn",
        "ranges: was none, now learning_rate=0.0001:0.1",
    ]


def test_a_loss_is_minimised_and_the_rest_maximised():
    directions = {name: objective_of(run_config(objective=name)).direction for name in OBJECTIVES}
    assert directions.pop("val_loss") == "min"
    assert set(directions.values()) == {"max"}


@pytest.mark.parametrize(("name", "value"), [("max_epochs", 0), ("factor", 1), ("seed", -1)])
def test_numbers_that_no_run_has_are_refused(run, name, value):
    run_config().save(run)
    run.config.write_text(json.dumps({**json.loads(run.config.read_text()), name: value}))
    with pytest.raises(TuneError, match=rf"config\.json: {name} is {value}; expected \d or more"):
        RunConfig.load(run)


def test_a_run_that_goes_on_was_begun_when_it_was(tmp_path):
    run = RunFolder(tmp_path)
    run_config().save(run)
    os.utime(run.config, (10**9, 10**9))
    replace(run_config(), data="/elsewhere").save_again(run)
    assert run.config.stat().st_mtime == 10**9
    assert RunConfig.load(run).data == "/elsewhere"


def test_what_was_settled_when_it_was_begun_is_no_difference():
    config = run_config(backbones=("mobilenet_050",), left_out=(("mobilenet_v2", 160),))
    asked = {"precision": "auto", "objective": "auto"}
    assert config.differences(asked) == []
    for backbones in (("mobilenet_v2", "mobilenet_050"), ["mobilenet_050", "mobilenet_v2"]):
        assert config.differences({"backbones": backbones}) == []
    assert config.differences({"backbones": ("mobilenet_025",)}) == [
        "backbones: was mobilenet_050, now mobilenet_025"
    ]
