import keras
import keras_tuner
import pytest

from models.families import cnn
from models.families.family import ModelOptions


def build(image_size=(32, 32), num_classes=2, compact=True, **values):
    hp = keras_tuner.HyperParameters()
    hp.values.update({f"cnn/{name}": value for name, value in values.items()})
    options = ModelOptions(image_size, num_classes, compact)
    cnn.declare(hp, options)
    return cnn.build(hp, options)


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def test_the_tutorials_network_has_its_parameter_count():
    model = build(
        image_size=(150, 150),
        compact=False,
        filters=16,
        blocks=3,
        normalization="none",
        pooling="flatten",
        dense_units=512,
    )
    assert model.count_params() == 10_641_441


def test_dropout_stands_after_the_first_pooling_the_last_and_the_dense_layer():
    model = build(blocks=3, block_dropout=0.3, dense_units=32, dropout=0.1)
    layers = [k for k in kinds(model) if k in ("MaxPooling2D", "Dropout", "Dense")]
    assert layers == [
        *("MaxPooling2D", "Dropout", "MaxPooling2D", "MaxPooling2D", "Dropout"),
        *("Dense", "Dropout", "Dense"),
    ]
    rates = [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.3, 0.3, 0.1]


def test_filters_double_from_block_to_block():
    model = build(filters=8, blocks=3, convolutions=2)
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.filters for layer in convolutions] == [8, 8, 16, 16, 32, 32]


@pytest.mark.parametrize(("kind", "count"), [("batch", 2), ("none", 0)])
def test_normalisation_is_there_where_it_is_chosen(kind, count):
    assert kinds(build(blocks=2, normalization=kind)).count("BatchNormalization") == count


def test_small_images_allow_fewer_blocks():
    hp = keras_tuner.HyperParameters()
    cnn.declare(hp, ModelOptions((16, 64), num_classes=2, compact=True))
    assert hp.get("cnn/blocks") == 4
    assert next(p for p in hp.space if p.name == "cnn/blocks").max_value == 4
    assert build(image_size=(16, 64), blocks=4).output_shape == (None, 1)
