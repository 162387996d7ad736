"""Heat lies where the evidence is, and the answers are the model's own."""

from functools import cache

import keras
import keras_tuner
import numpy as np
import pytest
from keras import layers

from models.errors import ModelError
from models.grad_cam import BATCH, GradCam
from models.hypermodel import ImageClassifier
from models.known_good import default_values
from models.serving import with_fixed_size, with_preprocessing

SIDE = 48
BACKGROUND, BRIGHT = 60, 250
PLACES = [(4, 6), (4, 34), (20, 18), (34, 4), (32, 32)]
SQUARE = 10


def squares(places=PLACES):
    """Images uint8 [n, SIDE, SIDE, 3], grey with noise, one bright square in each."""
    pictures = np.random.default_rng(0).integers(
        BACKGROUND - 20, BACKGROUND + 20, (len(places), SIDE, SIDE, 3), dtype=np.uint8
    )
    for picture, (row, column) in zip(pictures, places, strict=True):
        picture[row : row + SQUARE, column : column + SQUARE] = BRIGHT
    return pictures


def looks_for_squares(num_classes=2):
    """A network whose one useful channel is brightness above 200; its weights are set by hand.

    Of two classes the second is "square"; of three the last, and the second is its opposite.
    """
    images = keras.Input((SIDE, SIDE, 3))
    x = layers.Rescaling(1 / 255)(images)
    x = layers.Conv2D(2, 3, padding="same", activation="relu", name="look")(x)
    x = layers.MaxPooling2D()(layers.MaxPooling2D()(x))
    x = layers.GlobalAveragePooling2D()(x)
    two = num_classes == 2
    last = layers.Dense(
        1 if two else num_classes, activation="sigmoid" if two else "softmax", name="probabilities"
    )
    model = keras.Model(images, last(x), name="cnn")
    kernel = np.zeros((3, 3, 3, 2), np.float32)
    kernel[1, 1, :, 0] = 1 / 3
    kernel[1, 1, :, 1] = -1 / 3  # a channel of darkness, alive everywhere but on the square
    model.get_layer("look").set_weights([kernel, np.array([-200 / 255, 0.9], np.float32)])
    weights = [[900.0], [-5.0]] if two else [[0.0, -900.0, 900.0], [0.0, 5.0, -5.0]]
    last.set_weights([np.array(weights), np.zeros(1 if two else 3)])
    return model


def centre(heat):
    """(row, column) of the centre of mass, in pixels of the image."""
    places = (np.arange(len(heat)) + 0.5) * SIDE / len(heat)
    return np.array([(heat.sum(axis) * places).sum() / heat.sum() for axis in (1, 0)])


@pytest.mark.parametrize("num_classes", [2, 3])
def test_the_heat_lies_on_what_the_answer_comes_from_wherever_it_is(num_classes):
    explained = GradCam(looks_for_squares(num_classes))(squares())
    assert (explained.probabilities.argmax(axis=1) == num_classes - 1).all()
    for (row, column), heat in zip(PLACES, explained.heat, strict=True):
        np.testing.assert_allclose(centre(heat), np.array([row, column]) + SQUARE / 2, atol=1)
        inside = heat[row : row + SQUARE, column : column + SQUARE].sum()
        assert inside > 0.95 * heat.sum()


@pytest.mark.parametrize("num_classes", [2, 3])
def test_asked_for_the_other_class_the_heat_lies_on_what_speaks_for_that(num_classes):
    other = np.full(len(PLACES), num_classes - 2)
    for (row, column), heat in zip(
        PLACES, GradCam(looks_for_squares(num_classes))(squares(), other).heat, strict=True
    ):
        assert heat[row : row + SQUARE, column : column + SQUARE].max() == 0
        assert np.median(heat) > 0.5


def test_an_answer_that_is_quite_sure_has_its_heat_all_the_same():
    model = looks_for_squares()
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([kernel * 100, bias])
    explained = GradCam(model)(squares())
    assert (explained.probabilities[:, 1] == 1).all()  # where a probability has no gradient
    np.testing.assert_allclose(centre(explained.heat[0]), np.add(PLACES[0], SQUARE / 2), atol=1)


def test_what_a_network_has_learned_is_found(trained):
    model, pictures, places = trained
    explained = GradCam(model)(pictures)
    found = np.array([centre(heat) for heat in explained.heat])
    off = np.linalg.norm(found - (places + SQUARE / 2), axis=1)
    chance = np.linalg.norm(found - (places[::-1] + SQUARE / 2), axis=1)
    assert np.median(off) < 6 < 12 < np.median(chance)


@pytest.fixture(scope="module")
def trained():
    """A small CNN that learned to tell red squares from blue ones, on other images of them."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(1)
    places = rng.integers(0, SIDE - SQUARE, (240, 2))
    pictures, classes = squares([(0, 0)] * 240), np.arange(240) % 2
    for picture, (row, column), number in zip(pictures, places, classes, strict=True):
        picture[:SQUARE, :SQUARE] = BACKGROUND
        picture[row : row + SQUARE, column : column + SQUARE] = [(250, 0, 0), (0, 0, 250)][number]
    model = network("cnn", **{"cnn/blocks": 3, "cnn/filters": 8, "cnn/normalization": "none"})
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    model.fit(pictures[40:], classes[40:], batch_size=20, epochs=10, verbose=0)
    assert model.evaluate(pictures[:40], classes[:40], batch_size=40, verbose=0)[1] > 0.95
    return model, pictures[:40], places[:40]


@cache
def exported_of(kind, num_classes):
    """A network of one of `KINDS`, and as it is exported; nobody changes them."""
    keras.utils.set_random_seed(3)
    bare = network(kind.split(",")[0], num_classes, **KINDS[kind])
    return bare, with_preprocessing(
        bare, image_size=(SIDE, SIDE), resize_mode="squeeze", num_classes=num_classes
    )


def network(family, num_classes=2, **values):
    classifier = ImageClassifier(
        families=(family,),
        backbones=("mobilenet_075",),
        image_size=(SIDE, SIDE),
        num_classes=num_classes,
        compact=True,
        weights=None,
    )
    hp = keras_tuner.HyperParameters()
    hp.values.update(default_values(classifier, family) | values)
    return classifier.build(hp)


KINDS = {
    "cnn": {},
    "cnn, flat": {"cnn/pooling": "flatten", "cnn/dense_units": 32},
    "xception": {"xception/width": 0.125},
    "transfer": {"transfer/image_size": SIDE, "transfer/head_units": 16},
    "joined": {"joined/image_size": SIDE},
}


@pytest.mark.parametrize(
    ("kind", "num_classes"),
    [("cnn", 2), ("cnn", 3), ("cnn, flat", 2), ("xception", 3), ("transfer", 2), ("joined", 3)],
)
def test_probabilities_are_the_models_own_and_heat_does_not_depend_on_the_wrapping(
    kind, num_classes
):
    bare, exported = exported_of(kind, num_classes)
    pictures = squares()
    fixed = with_fixed_size(bare, image_size=(SIDE, SIDE), num_classes=num_classes)
    classes = np.arange(len(pictures)) % num_classes
    plain = GradCam(bare)(pictures, classes)
    assert plain.heat.shape[0] == len(pictures)
    assert min(plain.heat.shape[1:]) > 1
    assert plain.heat.min() >= 0
    assert set(np.unique(plain.heat.max(axis=(1, 2)).round(6))) <= {0.0, 1.0}
    for model in (exported, fixed):
        explained = GradCam(model)(pictures, classes)
        own = model.predict_on_batch(pictures)
        np.testing.assert_allclose(explained.probabilities, own, atol=1e-6)
        np.testing.assert_allclose(plain.probabilities, own, atol=1e-6)
        np.testing.assert_allclose(explained.heat, plain.heat, atol=1e-4)


def test_of_two_networks_under_one_probe_the_heats_are_added():
    keras.utils.set_random_seed(3)
    model, pictures = network("joined", 3, **KINDS["joined"]), squares()
    kernel, bias = model.get_layer("head").get_weights()
    half = len(kernel) // 2
    seen = []
    for kept in (slice(0, half), slice(half, None), slice(None)):
        part = np.zeros_like(kernel)
        part[kept] = kernel[kept]
        model.get_layer("head").set_weights([part, bias])
        seen.append(GradCam(model)(pictures, np.zeros(len(pictures), int)).heat > 0)
    first, second, both = seen
    assert first.any()
    assert second.any()
    np.testing.assert_array_equal(both, first | second)


def test_the_map_is_the_last_convolutions_before_it_is_pooled():
    model = network("cnn", **{"cnn/blocks": 3})
    assert GradCam(model)(squares()).heat.shape[1:] == (SIDE // 4, SIDE // 4)


def test_the_model_is_what_it_was_and_can_be_saved(tmp_path):
    exported = exported_of("transfer", 2)[1]
    pictures = squares()
    before = exported.predict_on_batch(pictures)
    GradCam(exported)(pictures)
    exported.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.predict_on_batch(pictures), before, atol=1e-6)


def test_any_number_of_images_is_traced_twice_at_most():
    explain = GradCam(looks_for_squares())
    whole = explain(squares(PLACES * 5)).heat
    for count in (1, 2, 7, BATCH, 25):
        np.testing.assert_allclose(explain(squares(PLACES * 5)[:count]).heat, whole[:count], 1e-4)
    assert explain._explain.experimental_get_tracing_count() == 2


def test_nothing_that_speaks_for_it_is_no_heat_and_no_error():
    black = np.zeros((1, SIDE, SIDE, 3), np.uint8)
    np.testing.assert_array_equal(GradCam(looks_for_squares())(black, [1]).heat, 0)


@pytest.mark.parametrize("kernel", [None, SIDE])
def test_a_model_without_a_map_says_so(kernel):
    images = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(2, kernel)(images) if kernel else images
    x = layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    with pytest.raises(ModelError, match="plain: has no feature map; expected a convolution"):
        GradCam(keras.Model(images, x, name="plain"))


def test_probabilities_made_without_a_dense_layer_are_explained_too():
    images = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(2, 3, padding="same", name="look")(layers.Rescaling(1 / 255)(images))
    model = keras.Model(images, layers.Softmax()(layers.GlobalAveragePooling2D()(x)))
    kernel = np.zeros((3, 3, 3, 2), np.float32)
    kernel[1, 1, :, 1] = 1
    model.get_layer("look").set_weights([kernel, np.array([0, -0.7], np.float32)])
    row, column = PLACES[0]
    heat = GradCam(model)(squares()[:1], [1]).heat[0]
    np.testing.assert_allclose(centre(heat), np.add(PLACES[0], SQUARE / 2), atol=4)
    assert heat[row + 3, column + 3] > 0.99
