import keras_tuner
import pytest

from models.families import mini_xception as xception
from models.families.family import ModelOptions


def build(image_size=(32, 32), num_classes=2, compact=True, **values):
    hp = keras_tuner.HyperParameters()
    hp.values.update({f"xception/{name}": value for name, value in values.items()})
    options = ModelOptions(image_size, num_classes, compact)
    xception.declare(hp, options)
    return xception.build(hp, options)


@pytest.mark.parametrize(
    ("entry", "blocks", "parameters"), [("single", 3, 2_731_065), ("double", 4, 2_782_649)]
)
def test_both_published_editions_have_their_parameter_counts(entry, blocks, parameters):
    model = build((180, 180), compact=False, width=1.0, entry=entry, blocks=blocks)
    assert model.count_params() == parameters


def test_width_scales_every_layer_in_steps_of_eight():
    filters = {
        layer.filters for layer in build(width=0.125, blocks=4).layers if hasattr(layer, "filters")
    }
    assert filters == {8, 16, 32, 64, 88, 128}


@pytest.mark.parametrize("entry", ["single", "double"])
def test_no_shortcut_is_so_narrow_that_training_kills_the_process(entry):
    shortcuts = [
        layer
        for layer in build(width=0.125, entry=entry, blocks=2).layers
        if type(layer).__name__ == "Conv2D" and layer.kernel_size == (1, 1)
    ]
    assert len(shortcuts) == 2
    assert all(layer.input.shape[-1] >= 16 for layer in shortcuts)


def test_each_block_halves_the_image():
    model = build((64, 64), blocks=3)
    last_map = next(layer.input.shape for layer in model.layers if "global_average" in layer.name)
    assert last_map[1:3] == (4, 4)


def test_without_normalisation_there_is_none():
    names = [type(layer).__name__ for layer in build(normalization="none").layers]
    assert "BatchNormalization" not in names
