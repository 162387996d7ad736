"""What is settled where the user left it open."""

import pytest
from recorded_progress import Recorded

from models.errors import ModelError
from models.pretrained.backbones import BACKBONES, default_backbones
from search.process.hardware import Hardware
from search.tuning import resolve_config as resolving
from search.tuning.resolve_config import resolve_config


@pytest.fixture
def machine(monkeypatch):
    """A machine with that GPU, and all weights at hand; which were fetched."""
    fetched = []
    monkeypatch.setattr(
        "models.pretrained.networks.available_backbones", lambda names, *rest: names
    )
    monkeypatch.setattr(
        "models.pretrained.networks.weights_file", lambda name, *rest: fetched.append(name)
    )

    def with_gpu(*names):
        capability = (9, 0) if names else (0, 0)
        monkeypatch.setattr(resolving, "load_tensorflow", lambda _: Hardware(names, capability))
        return fetched

    return with_gpu


def test_a_machine_without_gpu_has_less_to_do(machine, tmp_path):
    fetched = machine()
    config = resolve_config(tmp_path, {}, Recorded())
    assert (config.image_size, config.max_epochs, config.compact) == ((96, 96), 9, True)
    assert config.precision == "float32"
    assert config.backbones == default_backbones(light=True) == tuple(fetched)


def test_a_gpu_gets_larger_images_more_epochs_and_every_backbone_but_xception(machine, tmp_path):
    fetched = machine("H100")
    config = resolve_config(tmp_path, {}, Recorded())
    assert (config.image_size, config.max_epochs, config.compact) == ((180, 180), 27, False)
    assert config.precision == "mixed_bfloat16"
    assert set(BACKBONES) - set(config.backbones) == {"xception"}
    assert config.backbones == tuple(fetched)


def test_what_is_given_goes_before_what_suits(machine, tmp_path):
    machine("H100")
    given = {"image_size": (32, 48), "max_epochs": 2, "precision": "float32", "seed": 3}
    given |= {"backbones": ("mobilenet_v2",), "max_trials": None}
    config = resolve_config(tmp_path, given, Recorded())
    assert {name: getattr(config, name) for name in given} == given | {"max_trials": 20}


def test_families_without_pretrained_weights_fetch_none(machine, tmp_path):
    fetched = machine()
    config = resolve_config(tmp_path, {"families": ("cnn",)}, Recorded())
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
        resolve_config(tmp_path, asked, Recorded())


def test_a_family_that_cannot_be_had_is_left_out_with_its_reason(tmp_path, monkeypatch):
    def fail(*_):
        raise ModelError("no weights: [Errno 2] no such file")

    monkeypatch.setattr("models.pretrained.networks.available_backbones", fail)
    said = Recorded()
    config = resolve_config(tmp_path, {}, said)
    assert "transfer" not in config.families
    assert said.lines == [
        "warning: family transfer left out: no weights: [Errno 2] no such file",
    ]
    assert said.tasks == ["loading TensorFlow"]
