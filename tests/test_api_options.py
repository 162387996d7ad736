"""The options that a Python program gives: their names are those of the commands, and checked."""

import numpy as np
import pytest

from search.api import (
    ReadingOptions,
    RunningOptions,
    SearchOptions,
    TrainOptions,
    UpdateOptions,
    tune,
)
from search.api.options import CONVERTED, checked, option_names_of
from search.cli import Commands
from search.errors import TuneError


def test_an_option_that_is_none_is_a_mistake_of_the_program():
    with pytest.raises(TypeError, match="there is no option max_epoch; did you mean max_epochs"):
        tune("photos", max_epoch=3)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"algo": "best"}, "algo: received 'best', expected one of hyperband, asha"),
        ({"families": "cnn,vit"}, "families: received 'vit', expected one of "),
        ({"families": []}, "families: received no name"),
        ({"formats": ["tflite"]}, "formats: received 'tflite'"),
        ({"max_epochs": 0}, "max_epochs: received 0, expected a whole number from 1 on"),
        ({"seed": True}, "seed: received True"),
        ({"factor": 2.5}, "factor: received 2.5"),
        ({"image_size": 4}, "expected 8 to 4096 pixels per side"),
        ({"backbone_sizes": (16,)}, "expected sizes from 32 to 1024"),
        ({"backbone_sizes": ()}, "expected sizes from 32 to 1024"),
        ({"ranges": {"learning_rate": (0.1, 0.01)}}, "received 0.1 to 0.01 for learning_rate"),
        ({"backbones": 5}, "backbones: received 5, expected names"),
        ({"image_size": (96,)}, "received (96,), expected 8 to 4096 pixels per side"),
        ({"image_size": "96"}, "expected 8 to 4096 pixels per side"),
        ({"backbone_sizes": 16}, "received 16, expected sizes from 32 to 1024"),
        ({"ranges": {"learning_rate": 0.1}}, "expected two ends by name"),
        ({"labels": "no.csv"}, "labels: no.csv: no such file or folder"),
        ({"resize": "stretch"}, "resize: received 'stretch', expected one of squeeze"),
        ({"max_size": "5MB"}, "max_size: received '5MB', expected a number above 0"),
        ({"max_latency": 0}, "max_latency: received 0, expected a number above 0"),
        ({"early_stop": 1}, "early_stop: received 1, expected True or False"),
        ({"precision": "float16"}, "precision: received 'float16', expected one of auto"),
    ],
)
def test_a_value_that_is_none_is_named_with_what_is_expected(options, problem):
    with pytest.raises(TuneError) as caught:
        checked(options)
    assert problem in str(caught.value)


def test_numbers_of_numpy_and_single_sizes_are_taken():
    given = {
        "image_size": np.int64(96),
        "backbone_sizes": np.int32(160),
        "max_epochs": np.int64(9),
    }
    known = {"image_size": (96, 96), "backbone_sizes": (160,), "max_epochs": 9}
    assert checked(given) == known


@pytest.mark.parametrize("workers", [-1, 65, 1.5, "2"])
def test_so_many_workers_are_refused_before_anything_is_made(workers, tmp_path):
    with pytest.raises(TuneError, match=f"workers: received {workers!r}, expected 0 to 64"):
        tune(tmp_path, results=tmp_path / "results", workers=workers)
    assert list(tmp_path.iterdir()) == []


def test_options_become_what_a_configuration_takes(tmp_path):
    given = {
        "families": "cnn, xception,cnn",
        "image_size": 32,
        "backbone_sizes": [224, 160, 160],
        "ranges": {"learning_rate": (1e-4, 1), "batch_size": (8, 16)},
        "resize": "pad",
        "weights": tmp_path,
        "seed": None,
        "early_stop": False,
        "max_size": 5e6,
        "image_column": 1,
    }
    assert checked(given) == {
        "families": ("cnn", "xception"),
        "image_size": (32, 32),
        "backbone_sizes": (160, 224),
        "ranges": (("batch_size", 8.0, 16.0), ("learning_rate", 1e-4, 1.0)),
        "resize_mode": "pad",
        "weights": str(tmp_path.resolve()),
        "early_stop": False,
        "max_size": 5_000_000,
        "image_column": "1",
    }


def test_each_option_of_the_command_has_its_name_here():
    from search.cli.run import run_command

    elsewhere = {"data", "name", "resume", "results", "cache_dir", "max_time", "workers"}
    elsewhere |= {"trials_per_gpu", "disk"}
    elsewhere |= {"cluster", "trial_timeout", "then_export", "dry_run", "as_json", "int8"}
    names = {parameter.name for parameter in run_command.params} - elsewhere
    assert names == option_names_of(SearchOptions) == set(CONVERTED)


@pytest.mark.parametrize(
    ("command", "options", "elsewhere"),
    [
        ("update", UpdateOptions, {"run", "data", "name", "results", "as_json"}),
        ("train", TrainOptions, {"preset", "data", "name", "results", "as_json"}),
        ("evaluate", ReadingOptions, {"model", "data", "as_json"}),
    ],
)
def test_other_commands_have_the_same_names_too(command, options, elsewhere):
    names = {parameter.name for parameter in Commands.load(command).params}
    running = option_names_of(RunningOptions) - {"progress", "on_trial", "display", "then"}
    if command == "evaluate":
        running, elsewhere = {"cache_dir"}, elsewhere | {"code"}
    assert names - elsewhere == option_names_of(options) | running


def test_an_option_of_a_search_is_none_of_an_update():
    with pytest.raises(TypeError, match="there is no option algo"):
        checked({"algo": "random"}, UpdateOptions)
