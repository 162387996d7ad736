from types import SimpleNamespace

import keras_tuner
import pytest

from models.families.registry import FAMILIES
from models.families.transfer import probe
from models.hypermodel import ImageClassifier
from models.presets import PRESETS
from models.pretrained.backbones import BACKBONES
from search.tuning.planning.print_plan import baselines

COUNTS = {
    "keras-2022": 2_731_065,
    "keras-2020": 2_782_649,
    "tensorflow-plain": 10_641_441,
    "tensorflow-augmented": 10_641_441,
}


def hypermodel(preset):
    return ImageClassifier(
        families=tuple(FAMILIES),
        backbones=tuple(BACKBONES),
        image_size=preset.image_size,
        num_classes=2,
        compact=False,
        weights=preset.weights,
    )


def declared(preset):
    hp = keras_tuner.HyperParameters()
    hp.values.update(preset.values)
    hypermodel(preset).declare_hyperparameters(hp)
    return hp


def allowed(parameter, value):
    if isinstance(parameter, keras_tuner.engine.hyperparameters.Choice):
        return value in parameter.values
    if isinstance(parameter, keras_tuner.engine.hyperparameters.Boolean):
        return isinstance(value, bool)
    inside = parameter.min_value <= value <= parameter.max_value
    if parameter.step is None:
        return inside
    steps = (value - parameter.min_value) / parameter.step
    return inside and abs(steps - round(steps)) < 1e-9


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_a_preset_is_a_point_of_the_search_space(preset):
    hp = declared(preset)
    active = {p.name: p for p in hp.space if hp.is_active(p)}
    # A search draws no random head: it solves the head first.
    assert set(preset.values) - {"transfer/warmup_epochs"} == set(active)
    outside = {n: preset.values[n] for n, p in active.items() if not allowed(p, preset.values[n])}
    assert outside == {}


@pytest.mark.parametrize(("name", "parameters"), COUNTS.items())
def test_a_preset_has_the_parameter_count_of_the_original(name, parameters):
    preset = PRESETS[name]
    assert hypermodel(preset).build(declared(preset)).count_params() == parameters


def test_every_system_of_the_field_is_there():
    sources = " ".join(preset.source for preset in PRESETS.values())
    for system in ("(2022)", "(2020)", "KerasCV", "TensorFlow", "student"):
        assert system in sources
    assert {name: preset.name for name, preset in PRESETS.items()} == {n: n for n in PRESETS}


def test_fine_tuning_starts_with_the_whole_backbone_unfrozen():
    preset = PRESETS["kerascv-finetune"]
    hp = declared(preset)
    assert hypermodel(preset).phase_starts(hp) == (0,)
    assert probe(hp.values) is None
    assert preset.values["transfer/unfreeze"] == 1.0


def test_a_network_sees_images_of_the_size_that_is_given():
    for name, size in (("student-mobilenet", (224, 224)), ("kerascv-scratch", (128, 128))):
        config = SimpleNamespace(preset=name, image_size=size)
        (values,) = baselines(SimpleNamespace(config=config))
        assert values == PRESETS[name].values | {"transfer/image_size": size[0]}
    config = SimpleNamespace(preset="student-cnn", image_size=(224, 224))
    assert baselines(SimpleNamespace(config=config)) == [PRESETS["student-cnn"].values]
