"""The command that the model card prints makes the run that it was printed for."""

import hashlib
import shlex
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest
from exported_metrics import METRICS, metrics_with
from recorded_progress import Recorded
from searching import run_config

from data_pipeline.preparation.typical_shape import TypicalShape
from models.families.registry import register_name
from models.presets import PRESETS
from search.cli import _run, export
from search.errors import TuneError
from search.formats.registry import flagged
from search.process.machine.hardware import Hardware
from search.run_folder.command_line import command, export_command
from search.run_folder.config import RunConfig
from search.tuning.planning import resolve_config as resolving
from search.tuning.planning.resolve_config import resolve_config
from search.tuning.preset import preset_options

# Nothing on the command line sets these: the first by the machine, the others always the same.
NOT_OPTIONS = {"compact", "validation", "test", "largest_side", "race_images", "left_out"}
NOT_OPTIONS |= {"updates", "begin_with"}  # of `tune update`
PATHS = {"data", "weights", "labels", "corrections"}
WIDE = b"def Wide(hp): pass"
CHANGES = {
    "data": "cats and dogs",
    "algo": "asha",
    "families": ("xception", "cnn"),
    "own_families": (("Wide", hashlib.sha256(WIDE).hexdigest()),),
    "backbones": ("mobilenet_075", "mobilenet_v2"),
    "image_size": (120, 160),
    "backbone_sizes": (96, 160),
    "resize_mode": "crop",
    "weights": "own file.h5",
    "max_epochs": 5,
    "factor": 4,
    "hyperband_iterations": 2,
    "max_trials": 7,
    "objective": "val_loss",
    "seed": 7,
    "precision": "mixed_float16",
    "deterministic": True,
    "early_stop": False,
    "preset": "student-cnn",
    "max_latency": 0.0155,
    "max_size": 1_234_567,
    "formats": ("litert-int8", "litert"),
    "follow_links": True,
    "labels": "our labels.csv",
    "image_column": "file",
    "label_column": "2",
    "split_column": "set",
    "group_column": "patient id",
    "corrections": "our corrections.csv",
    "group_by": "(p[0-9]+)/",
    "ranges": (("cnn/dropout", 0.0, 0.9), ("learning_rate", 1e-4, 0.1)),
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A working folder with images and weights, on a machine without GPU or network."""
    for name in ("photos", CHANGES["data"]):
        (tmp_path / name).mkdir()
    (tmp_path / "families").mkdir()
    (tmp_path / "families" / "Wide.py").write_bytes(WIDE)
    register_name("Wide")  # as its file does, before a configuration is settled
    for name in ("weights", "labels", "corrections"):
        (tmp_path / CHANGES[name]).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(resolving, "load_tensorflow", lambda console: Hardware((), (0, 0)))
    networks = "models.pretrained.networks"
    monkeypatch.setattr(f"{networks}.available_backbones", lambda names, *rest: names)
    monkeypatch.setattr(f"{networks}.fetch_weights", lambda *anything: None)
    shape = "data_pipeline.preparation.typical_shape.typical_shape"
    monkeypatch.setattr(shape, lambda data, *, cache_dir, options: TypicalShape(500))
    return tmp_path


def resolved(data, options):
    return resolve_config(data, options, Recorded(), cache_dir=Path("cache"))


def made_by(line, monkeypatch):
    """The configuration of the run that a command line begins."""
    begun = []

    def start(data, name, options, environment):
        begun.append(resolved(data, options))
        raise TuneError("no further: this is a test")

    monkeypatch.setattr("search.tuning.run.start", start)
    program, *words = shlex.split(line)
    assert program == "tune"
    assert _run(words) == 1
    (config,) = begun
    return config


def changed(folder, name):
    """A configuration that differs from what nobody asked for in one field."""
    config = resolved(folder / "photos", {"families": ("cnn", "transfer")})
    if name == "preset":
        return resolved(folder / "photos", preset_options(CHANGES["preset"], {}))
    if name == "own_families":
        return replace(config, own_families=CHANGES[name], families=(*config.families, "Wide"))
    values = {name: CHANGES[name]}
    if name == "max_trials":  # of all algorithms but Hyperband
        values["algo"] = "bayesian"
    if name.endswith("_column"):  # of a table
        values["labels"] = CHANGES["labels"]
    return replace(config, **values | {n: str(folder / values[n]) for n in PATHS & set(values)})


def test_every_field_of_a_configuration_is_looked_at():
    names = {field.name for field in fields(RunConfig)}
    assert set(CHANGES) == names - NOT_OPTIONS


@pytest.mark.parametrize("name", CHANGES)
def test_the_command_makes_the_same_configuration(folder, name, monkeypatch):
    config = changed(folder, name)
    plain = resolved(folder / "photos", {"families": ("cnn", "transfer")})
    assert asdict(config)[name] != asdict(plain)[name], "the change is one"
    if name == "families":  # without transfer there is no backbone to choose
        config = replace(config, backbones=(), backbone_sizes=(), largest_side=None)
    assert made_by(command(config), monkeypatch) == config


def test_a_command_with_everything_changed_makes_the_same_configuration(folder, monkeypatch):
    everything = {name: value for name, value in CHANGES.items() if name != "preset"}
    everything |= {name: str(folder / CHANGES[name]) for name in PATHS}
    everything["families"] = ("probe", "xception", "transfer", "Wide")
    everything["hyperband_iterations"] = 0  # of Hyperband alone
    config = replace(resolved(folder / "photos", {}), **everything)
    assert made_by(command(config), monkeypatch) == config


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"seed": 3, "max_epochs": 2, "image_size": (32, 48)},
        {"deterministic": True, "precision": "mixed_float16"},
        {"weights": "own file.h5"},
    ],
)
def test_the_command_of_a_preset_makes_the_same_configuration(folder, given, monkeypatch):
    if "weights" in given:
        given = {"weights": str(folder / given["weights"])}
    config = resolved(folder / "photos", preset_options("kerascv-finetune", given))
    assert made_by(command(config), monkeypatch) == config


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_a_command(folder, name, monkeypatch):
    config = resolved(folder / "photos", preset_options(name, {}))
    assert made_by(command(config), monkeypatch) == config


def test_a_run_that_updates_another_has_the_command_that_does(folder):
    config = replace(
        resolved(folder / "photos", {"families": ("cnn",)}),
        updates=str(folder / "results" / "monday"),
        begin_with=({"family": "cnn"},),
        max_trials=1,
        corrections="our corrections.csv",
    )
    line = "tune update monday photos --corrections 'our corrections.csv'"
    for trials in (1, 3):
        assert command(replace(config, max_trials=trials)) == f"{line} --max-trials {trials}"
    three = {"begin_with": config.begin_with * 3, "max_trials": 3}
    assert command(replace(config, **three)) == line


def test_folders_and_files_are_told_by_their_names_alone(folder):
    line = command(changed(folder, "weights"))
    assert str(folder) not in line
    assert {"photos", "own file.h5"} <= set(shlex.split(line))


FILE = METRICS["parity"][0]
EXPORT = {
    "formats": (
        {"parity": [FILE | {"format": name} for name in ("keras", "onnx", "litert-int8")]},
        ("onnx", "litert-int8"),
    ),
    "max_latency": ({"budget": {"latency": 0.0155, "size": None}}, 0.0155),
    "max_size": ({"budget": {"latency": None, "size": 1_234_567}}, 1_234_567),
    "precision": ({"precision_wished": 0.985}, 0.985),
    "top": ({"top": 5}, 5),
    "seeds": ({"seeds": 0}, 0),
    "cheaper_within": ({"cheaper_within": 0.025}, 0.025),
}


def exported_by(line, monkeypatch):
    """The options that `tune export-best` is given by a command line."""
    given = {}
    monkeypatch.setattr(
        export.export_best_command, "callback", lambda **options: given.update(options)
    )
    program, *words = shlex.split(line)
    assert program == "tune"
    assert _run(words) == 0
    return given


def test_every_option_of_an_export_is_looked_at():
    names = {parameter.name for parameter in export.export_best_command.params}
    flags = {row.option.removeprefix("--") for row in flagged()}
    # Which run, where it lies, and how the result is printed.
    assert set(EXPORT) == names - flags - {"run", "results", "as_json"}


@pytest.mark.parametrize("name", EXPORT)
def test_the_command_of_an_export_has_the_same_options(name, monkeypatch):
    nothing = {"parity": [FILE | {"format": "keras"}], "precision_wished": None}
    usual = exported_by(export_command(metrics_with(**nothing), run_config()), monkeypatch)
    changes, expected = EXPORT[name]
    given = exported_by(
        export_command(metrics_with(**nothing | changes), run_config()), monkeypatch
    )
    assert given[name] == expected != usual[name]
    assert {k: v for k, v in given.items() if k != name} == {
        k: v for k, v in usual.items() if k != name
    }


def test_limits_of_the_run_are_not_given_once_more():
    """They would hold for all formats, and not for those of the run alone."""
    rows = [FILE | {"format": name} for name in ("keras", "litert-int8", "onnx")]
    budget = {"latency": None, "size": 5_000_000}
    metrics = metrics_with(parity=rows, precision_wished=None, budget=budget)
    limited = run_config(max_size=5_000_000, formats=("litert-int8",))
    assert export_command(metrics, limited) == "tune export-best run --format onnx"
    words = export_command(metrics, run_config())
    assert "--format litert-int8 --format onnx --max-size 5MB" in words


def test_an_export_of_the_keras_file_alone_says_so_where_the_run_has_other_formats():
    nothing = {"parity": [FILE | {"format": "keras"}], "precision_wished": None}
    config = run_config(formats=("onnx",))
    assert export_command(metrics_with(**nothing), config) == "tune export-best run --format keras"
    both = metrics_with(**nothing | {"parity": [FILE | {"format": f} for f in ("keras", "onnx")]})
    assert export_command(both, config) == "tune export-best run --format onnx"
