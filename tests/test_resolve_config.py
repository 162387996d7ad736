"""What is settled where the user left it open."""

import re

import pytest
from recorded_progress import Recorded

from data_pipeline.preparation.typical_shape import TypicalShape
from models.errors import ModelError
from models.pretrained.backbones import BACKBONES, default_backbones
from search.errors import TuneError
from search.process.machine.hardware import Hardware
from search.tuning.planning import resolve_config as resolving
from search.tuning.planning.resolve_config import resolve_config
from search.tuning.preset import preset_options


def resolved(data, options, progress):
    return resolve_config(data, options, progress, cache_dir=data / "cache")


@pytest.fixture(autouse=True)
def typical(monkeypatch):
    """The shape of the images; a test may set another."""
    found = [TypicalShape(500)]
    shape = "data_pipeline.preparation.typical_shape.typical_shape"
    monkeypatch.setattr(shape, lambda data, *, cache_dir, options: found[0])
    return found


@pytest.fixture
def machine(monkeypatch):
    """A machine with that GPU, and all weights at hand; which were fetched."""
    fetched = []
    monkeypatch.setattr(
        "models.pretrained.networks.available_backbones", lambda names, *rest: names
    )
    monkeypatch.setattr(
        "models.pretrained.networks.fetch_weights",
        lambda names, *rest: fetched.extend(names),
    )

    def with_gpu(*names):
        capability = (9, 0) if names else (0, 0)
        monkeypatch.setattr(resolving, "load_tensorflow", lambda _: Hardware(names, capability))
        return fetched

    return with_gpu


def test_a_machine_without_gpu_has_less_to_do(machine, tmp_path):
    fetched = machine()
    config = resolved(tmp_path, {}, Recorded())
    assert (config.image_size, config.max_epochs, config.compact) == ((96, 96), 9, True)
    assert config.precision == "float32"
    assert config.backbones == default_backbones(light=True) == tuple(fetched)


def test_a_gpu_gets_larger_images_more_epochs_and_nearly_every_backbone(machine, tmp_path):
    fetched = machine("H100")
    config = resolved(tmp_path, {}, Recorded())
    assert (config.image_size, config.max_epochs, config.compact) == ((180, 180), 27, False)
    assert config.precision == "mixed_bfloat16"
    assert set(BACKBONES) - set(config.backbones) == {"xception"}
    assert config.backbones == tuple(fetched)


def test_what_is_given_goes_before_what_suits(machine, tmp_path):
    machine("H100")
    given = {"image_size": (32, 48), "max_epochs": 2, "precision": "float32", "seed": 3}
    given |= {"backbones": ("mobilenet_v2",), "max_trials": None}
    assert resolved(tmp_path, {"algo": "pasha", "max_trials": 5}, Recorded()).max_trials == 5
    assert resolved(tmp_path, {"algo": "random", "max_epochs": 5}, Recorded()).max_epochs == 5
    config = resolved(tmp_path, given, Recorded())
    assert {name: getattr(config, name) for name in given} == given | {"max_trials": 0}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"max_trials": 5}, "--max-trials 5: not an option of --algo hyperband; it is one of"),
        ({"algo": "asha", "hyperband_iterations": 2}, "--hyperband-iterations 2: not an option"),
        ({"algo": "random", "factor": 4}, "it is one of hyperband, asha, pasha"),
    ],
)
def test_what_the_algorithm_would_not_look_at_is_refused(machine, tmp_path, given, message):
    machine()
    with pytest.raises(TuneError, match=re.escape(message)):
        resolved(tmp_path, given, Recorded())


def test_families_without_pretrained_weights_fetch_none(machine, tmp_path):
    fetched = machine()
    config = resolved(tmp_path, {"families": ("cnn",)}, Recorded())
    assert (config.families, config.backbones, fetched) == (("cnn",), (), [])


@pytest.mark.parametrize(
    "asked", [{"families": ("transfer",)}, {"backbones": ("mobilenet_v2",)}, {"weights": "own.h5"}]
)
def test_what_was_asked_for_by_name_and_cannot_be_had_is_an_error(
    machine, tmp_path, monkeypatch, asked
):
    machine()

    def fail(*_):
        raise ModelError("no weights")

    monkeypatch.setattr("models.pretrained.networks.available_backbones", fail)
    with pytest.raises(ModelError, match="no weights"):
        resolved(tmp_path, asked, Recorded())


def test_a_family_that_cannot_be_had_is_left_out_with_its_reason(tmp_path, monkeypatch):
    def fail(*_):
        raise ModelError("no weights: [Errno 2] no such file")

    monkeypatch.setattr("models.pretrained.networks.available_backbones", fail)
    said = Recorded()
    config = resolved(tmp_path, {}, said)
    assert "transfer" not in config.families
    assert said.lines == [
        "warning: family probe, joined, transfer left out: no weights: [Errno 2] no such file",
    ]
    assert said.tasks == ["loading TensorFlow"]


def test_backbones_see_images_near_the_size_at_which_they_were_trained(machine, tmp_path):
    machine()
    config = resolved(tmp_path, {}, Recorded())
    assert config.backbone_sizes == (160, 224)
    assert config.prepared_sizes == ((96, 96), (160, 160), (224, 224))
    assert config.families[0] == "probe"


@pytest.mark.parametrize(
    ("shape", "image_size", "seen"),
    [
        (TypicalShape(500, 4.0), (48, 192), {(80, 320), (112, 448)}),
        (TypicalShape(500, 0.25), (192, 48), {(320, 80), (448, 112)}),
        (TypicalShape(100, 4.0), (32, 100), {(32, 100)}),
    ],
)
def test_long_images_are_seen_in_their_shape_with_as_many_pixels(
    machine, tmp_path, typical, shape, image_size, seen
):
    machine()
    typical[0] = shape
    config = resolved(tmp_path, {}, Recorded())
    assert config.image_size == image_size
    assert set(config.prepared_sizes) == {image_size} | seen


def test_no_image_is_prepared_larger_than_the_images_are(machine, tmp_path, typical):
    machine()
    typical[0] = TypicalShape(32)
    config = resolved(tmp_path, {}, Recorded())
    assert (config.image_size, config.prepared_sizes) == ((32, 32), ((32, 32),))
    assert config.backbone_sizes == (160, 224)  # they enlarge the images themselves


def test_with_a_size_given_everything_sees_images_of_that_size(machine, tmp_path):
    machine()
    config = resolved(tmp_path, {"image_size": (96, 64)}, Recorded())
    assert (config.prepared_sizes, config.backbone_sizes) == (((96, 64),), (96, 144, 192))
    both = {"image_size": (96, 64), "backbone_sizes": (192,)}
    config = resolved(tmp_path, both, Recorded())
    assert config.prepared_sizes == ((96, 64), (192, 128))


def test_a_preset_has_no_race(machine, tmp_path):
    machine()
    given = {"preset": "student-mobilenet", "weights": "imagenet", "families": ("transfer",)}
    assert resolved(tmp_path, given, Recorded()).families == ("transfer",)


def test_with_one_backbone_there_is_nothing_to_join(machine, tmp_path):
    machine()
    assert "joined" in resolved(tmp_path, {}, Recorded()).families
    one = {"backbones": ("mobilenet_v2",)}
    assert "joined" not in resolved(tmp_path, one, Recorded()).families
    with pytest.raises(ModelError, match="joined needs two backbones, there is mobilenet_v2 alone"):
        resolved(tmp_path, one | {"families": ("joined",)}, Recorded())


def test_weights_are_fetched_for_each_size_that_networks_see(machine, tmp_path, monkeypatch):
    machine()
    asked = []
    monkeypatch.setattr(
        "models.pretrained.networks.fetch_weights", lambda names, kind, sizes: asked.extend(sizes)
    )
    resolved(tmp_path, {}, Recorded())
    assert set(asked) == {(160, 160), (224, 224)}
    del asked[:]
    resolved(tmp_path, {"image_size": (64, 96)}, Recorded())
    assert set(asked) == {(64, 96), (96, 144), (128, 192)}
    del asked[:]
    options = preset_options("student-mobilenet", {})
    resolved(tmp_path, options, Recorded())
    assert set(asked) == {(160, 160)}
