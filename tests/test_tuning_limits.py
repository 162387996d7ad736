"""What would break the limits of a run is left out before it is trained; costs are made up."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from finished_runs import finished_run
from recorded_progress import Recorded
from searching import drive, oracle_in, run_config, x_of
from small_trials import elsewhere, values_for
from stopping import NEVER

from models.space import architecture_key
from search.algorithms.racing.plan import race_of
from search.errors import TuneError
from search.export.export_best import ExportOptions, _with_limits
from search.formats.cost import Costs
from search.process.stop_signal import StopSignal
from search.run_folder.budget import Budget, Cost
from search.run_folder.config import RunConfig, baseline_count
from search.tuning.planning.limits import allowed_in, within_limits

SIZES = {"mobilenet_075": 1_000_000, "mobilenet_v2": 3_000_000}


@pytest.fixture
def measured(monkeypatch):
    """What was measured, in order; a made-up cost in place of each file."""
    asked = []

    def measure(costs, values):
        asked.append(values)
        family = values["family"]
        if family == "cnn":
            return Cost(0.001, 100_000 * values["cnn/filters"]), ""
        side = values[f"{family}/image_size"]
        return Cost(side / 16_000, SIZES[values[f"{family}/backbone"]]), ""

    monkeypatch.setattr(Costs, "_measure", measure)
    return asked


@pytest.fixture
def raced(scratch, tmp_path):
    """A run folder with data, and a configuration with a race of two backbones at two sizes."""
    experiment = finished_run(scratch, tmp_path, [])
    return experiment.run, run_config(
        families=("probe", "cnn", "transfer"),
        backbones=("mobilenet_v2", "mobilenet_075"),
        backbone_sizes=(160, 224),
        weights="imagenet",
    )


@pytest.fixture
def limited(raced, monkeypatch):
    """Settle the configuration of a run with limits: (configuration, what was said)."""
    run, config = raced
    monkeypatch.setattr(
        "search.tuning.planning.limits.Experiment.load",
        lambda run, config: SimpleNamespace(run=run, config=config),
    )

    def settle(options=None, stop=NEVER, **limits):
        said = Recorded()
        asked = replace(config, **limits)
        return within_limits(run, asked, options or {}, stop=stop, progress=said), said

    return settle


def test_without_limits_nothing_is_measured(limited, measured):
    config, _ = limited()
    assert (len(config.raced), measured) == (4, [])


def test_what_is_too_slow_or_too_large_is_not_raced(limited, measured):
    config, said = limited(max_latency=0.012, max_size=5_000_000)
    assert config.raced == (("mobilenet_v2", 160), ("mobilenet_075", 160))
    assert len(race_of(config).candidates) == 2
    assert "mobilenet_075 at 224 px, 14.0 ms, 1.0 MB" in said.text
    config, said = limited(max_size=2_000_000, formats=("litert",))
    assert config.backbones == ("mobilenet_075",)
    # A file does not become smaller for larger images.
    assert "mobilenet_v2 at 224 px, as for smaller images" in said.text
    assert baseline_count(config) > 0


def test_costs_are_kept_for_the_next_command_by_format(limited, measured):
    config, _ = limited(max_latency=0.02)
    assert len(measured) == 4
    assert limited(max_latency=0.02)[0] == config
    assert len(measured) == 4
    limited(max_latency=0.02, formats=("litert",))
    assert len(measured) == 8


def test_without_any_backbone_their_families_are_left_out_or_refused(limited, measured):
    config, said = limited(max_size=1_000)
    assert (config.families, config.backbones) == (("cnn",), ())
    assert "no backbone keeps to 1 KB as keras" in said.text
    with pytest.raises(TuneError, match="no backbone keeps to"):
        limited({"families": ("transfer", "cnn")}, max_size=1_000)


def test_a_run_whose_time_is_up_meanwhile_is_refused(limited, measured):
    with pytest.raises(TuneError, match="time is up before all backbones were measured"):
        limited(stop=StopSignal(0), max_size=5_000_000)
    assert measured == []


def test_a_limit_and_what_it_leaves_out_are_read_back(limited, measured, raced):
    config, _ = limited(max_latency=0.012, formats=("litert", "litert-int8"))
    config.save(raced[0])
    assert RunConfig.load(raced[0]) == config
    assert config.differences({"max_latency": 0.015}) == ["max_latency: was 0.012, now 0.015"]


def test_values_are_allowed_by_their_cost(scratch, tmp_path, measured):
    run = elsewhere(scratch, tmp_path)
    run.run.path.mkdir()
    values = values_for(scratch, "cnn")
    asked = replace(run, config=replace(run.config, max_size=900_000))
    allowed = allowed_in(asked, Recorded())
    assert allowed(values)
    assert not allowed(values | {"cnn/filters": 16})
    assert allowed(values | {"learning_rate": 0.01})
    assert len(measured) == 2
    assert allowed_in(run, Recorded())(values | {"cnn/filters": 64})


def test_a_fine_tuned_backbone_costs_what_a_frozen_one_does_and_larger_images_more():
    frozen = {
        "family": "transfer",
        "transfer/backbone": "mobilenet_050",
        "transfer/image_size": 160,
    }
    tuned = frozen | {"transfer/unfreeze": 0.3, "transfer/fine_tune_rate": 0.1, "batch_size": 64}
    tuned |= {"transfer/layer_decay": 0.9}
    assert architecture_key(tuned) == architecture_key(frozen)
    for other in ({"transfer/image_size": 224}, {"transfer/head_units": 128}):
        assert architecture_key(frozen | other) != architecture_key(frozen)


@pytest.mark.parametrize("algo", ["random", "bayesian", "hyperband"])
def test_what_breaks_a_limit_is_never_proposed(tmp_path, algo):
    allowed_x = lambda values: values["x"] < 0.5  # noqa: E731
    baselines = [{"x": 0.9, "y": 0.1}, {"x": 0.2, "y": 0.1}]
    oracle = oracle_in(tmp_path, algo=algo, baselines=baselines, max_trials=8, allowed=allowed_x)
    found = [x_of(trial) for trial in drive(oracle).trials]
    assert found[0] == 0.2
    assert len(found) >= 8
    assert max(found) < 0.5


def test_a_search_ends_where_nothing_is_allowed(tmp_path):
    assert drive(oracle_in(tmp_path, allowed=lambda values: False)).trials == []


def test_an_export_without_limits_takes_those_of_the_run():
    config = run_config(max_size=5_000_000, formats=("litert",))
    options, counted = _with_limits(ExportOptions(formats=("onnx",)), config)
    assert (options.formats, counted) == (("onnx", "litert"), ("litert",))
    assert options.budget == Budget(size=5_000_000)
    own = ExportOptions(formats=("onnx",), budget=Budget(latency=0.1))
    assert _with_limits(own, config) == (own, ("onnx",))
    assert _with_limits(ExportOptions(), run_config()) == (ExportOptions(), ("keras",))
    asked = ExportOptions(formats=("litert",))
    assert _with_limits(ExportOptions(), run_config(formats=("litert",))) == (asked, ("litert",))
    other = ExportOptions(formats=("onnx",))
    assert _with_limits(other, run_config(formats=("litert",))) == (other, ("onnx",))
