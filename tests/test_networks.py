import importlib
from pathlib import Path

import numpy as np
import pytest

from models.errors import ModelError
from models.families.backbone import features_key
from models.families.family import ModelOptions
from models.pretrained import networks as pretrained
from models.pretrained import weights
from models.pretrained.backbones import BACKBONES
from models.pretrained.networks import (
    available_backbones,
    build_backbone,
    fetch_weights,
    weights_file,
)

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty Keras cache on a machine without network."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(weights, "reachable", lambda urls: set())
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


# One of each preprocessing, the smallest.
PREPROCESSED = {
    (backbone.folder, backbone.scale): name for name, backbone in reversed(BACKBONES.items())
}.values()


def test_a_backbone_is_named_so_and_puts_out_features():
    network = build_backbone("mobilenet_025", image_size=(32, 32), weights=None)
    assert network.name == "backbone"
    assert len(network.output_shape) == 2


@pytest.mark.parametrize("name", PREPROCESSED)
def test_preprocessing_and_network_are_those_of_keras(name, tmp_path):
    import keras

    backbone = BACKBONES[name]
    size = backbone.min_size
    arguments = {k: v for k, v in backbone.arguments.items() if k != "include_preprocessing"}
    published = getattr(keras.applications, backbone.constructor)(
        include_top=False,
        weights=None,
        pooling="avg",
        input_shape=(size, size, 3),
        **arguments,
    )
    for layer in published.layers:
        if type(layer).__name__ == "LayerScale":  # at 1e-6 its block would count for nothing
            layer.gamma.assign(keras.ops.ones(layer.gamma.shape))
    path = tmp_path / "published.weights.h5"
    published.save_weights(path)
    own = build_backbone(name, image_size=(size, size), weights=str(path))
    assert own.count_params() == published.count_params() == backbone.values
    # In groups they are slow on a processor, and cannot be written as ONNX.
    assert all(getattr(layer, "groups", 1) == 1 for layer in own.layers)
    pixels = np.random.default_rng(0).integers(0, 256, (2, size, size, 3)).astype("float32")
    module = importlib.import_module(f"keras.applications.{BACKBONES[name].folder}")
    expected = keras.ops.convert_to_numpy(published(module.preprocess_input(pixels.copy())))
    given = keras.ops.convert_to_numpy(own(pretrained.preprocessing(name)(pixels)))
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(given, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_without_weights_every_backbone_that_takes_the_size_is_available():
    names = tuple(BACKBONES)
    assert available_backbones(names, None, (71, 71)) == names
    assert available_backbones(names, None, (64, 71)) == tuple(n for n in names if n != "xception")


def test_a_size_too_small_for_all_is_refused():
    with pytest.raises(ModelError, match="received 16x16"):
        available_backbones(tuple(BACKBONES), None, (16, 16))


def test_a_cached_file_makes_a_backbone_available(cache):
    (cache / "mobilenet_7_5_160_tf_no_top.h5").touch()
    assert available_backbones(tuple(BACKBONES), "imagenet", (160, 160)) == ("mobilenet_075",)


def test_the_weights_of_224_serve_where_those_of_the_size_are_missing(cache):
    (cache / "mobilenet_7_5_224_tf_no_top.h5").touch()
    assert available_backbones(tuple(BACKBONES), "imagenet", (160, 160)) == ("mobilenet_075",)
    assert weights_file("mobilenet_075", "imagenet", (160, 160)).name.endswith("224_tf_no_top.h5")
    (cache / "mobilenet_7_5_160_tf_no_top.h5").touch()
    assert weights_file("mobilenet_075", "imagenet", (160, 160)).name.endswith("160_tf_no_top.h5")


def test_weights_are_fetched_that_suit_the_images_that_are_seen(cache, monkeypatch):
    """Those of MobileNetV2 for 96 px are of another network at 224, but better than none."""
    file, small = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_{}_no_top.h5", (96, 96)
    asked, answering = [], set()

    def fetch(_, name, __):
        asked.append(name)
        raise OSError("read-only")

    monkeypatch.setattr(pretrained, "_fetch", fetch)
    monkeypatch.setattr(weights, "reachable", lambda urls: answering & {*urls})
    (cache / file.format(96)).touch()
    fetch_weights(["mobilenet_v2"], "imagenet", [(224, 224)])  # nothing answers
    assert asked == []
    answering.add(BACKBONES["mobilenet_v2"].url(file.format(224)))
    fetch_weights(["mobilenet_v2"], "imagenet", [(224, 224)])
    fetch_weights(["mobilenet_v2"], "imagenet", [(224, 300)])
    assert asked == [file.format(224)] * 2
    fetch_weights(["mobilenet_v2"], "imagenet", [small])  # it is there
    (cache / file.format(224)).touch()
    fetch_weights(["mobilenet_v2"], "imagenet", [(224, 224)])
    assert len(asked) == 2
    with pytest.raises(OSError, match="read-only"):  # of which nothing is there
        fetch_weights(["mobilenet_075"], "imagenet", [(160, 160)])
    assert asked[2:] == ["mobilenet_7_5_160_tf_no_top.h5"]


def test_of_a_network_that_is_fetched_the_weights_for_each_size_are(cache, monkeypatch):
    asked = []

    def fetch(_, name, __):
        asked.append(name)
        if "160" not in name:
            raise ModelError("no such file")
        (cache / name).touch()

    monkeypatch.setattr(pretrained, "_fetch", fetch)
    monkeypatch.setattr(weights, "reachable", lambda urls: set())
    fetch_weights(["mobilenet_075"], "imagenet", [(160, 160), (224, 224)])
    assert asked == [f"mobilenet_7_5_{side}_tf_no_top.h5" for side in (160, 224)]


def test_the_files_asked_for_suit_the_largest_images(cache):
    with pytest.raises(ModelError, match="1.0_224_no_top.h5 for mobilenet_v2"):
        available_backbones(("mobilenet_v2",), "imagenet", (96, 96), (224, 224))


def test_features_are_known_by_the_weights_that_compute_them(cache):
    """Those of the size at which the backbone sees images, not of that of other models."""
    options = ModelOptions(
        image_size=(96, 96), num_classes=2, compact=True, weights="imagenet", largest_side=160
    )
    values = {"probe/backbone": "mobilenet_075", "probe/image_size": 160}
    (cache / "mobilenet_7_5_224_tf_no_top.h5").write_bytes(b"224")
    before = features_key(values, "probe", options)
    (cache / "mobilenet_7_5_160_tf_no_top.h5").write_bytes(b"160")
    assert features_key(values, "probe", options)[:2] == before[:2]
    assert features_key(values, "probe", options) != before


def test_an_answering_network_makes_a_backbone_available(cache, monkeypatch):
    monkeypatch.setattr(weights, "reachable", lambda urls: {u for u in urls if "convnext" in u})
    assert available_backbones(tuple(BACKBONES), "imagenet", (96, 96)) == ("convnext_tiny",)


def test_offline_the_error_names_the_file_and_its_place(cache):
    with pytest.raises(ModelError) as caught:
        available_backbones(("mobilenet_v2", "xception"), "imagenet", (96, 96))
    folder = str(cache)
    name = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_96_no_top.h5"
    assert f"{folder}/{name} for mobilenet_v2" in str(caught.value)
    assert f"{folder}/{BACKBONES['xception'].file} for xception" in str(caught.value)


def test_a_given_file_is_for_the_one_backbone_that_it_fits(tmp_path):
    path = tmp_path / "own.weights.h5"
    build_backbone("mobilenet_075", image_size=(32, 32), weights=None).save_weights(path)
    assert available_backbones(tuple(BACKBONES), str(path), (96, 96)) == ("mobilenet_075",)
    with pytest.raises(ModelError, match=r"holds 1,832,976 values.*mobilenet_v2 2,257,984"):
        available_backbones(("mobilenet_v2",), str(path), (96, 96))
    with pytest.raises(ModelError, match="fits no backbone"):
        build_backbone("mobilenet_v2", image_size=(32, 32), weights=str(path))


def test_a_given_folder_holds_a_file_for_each_backbone(tmp_path):
    build_backbone("mobilenet_025", image_size=(32, 32), weights=None).save_weights(
        tmp_path / "own.weights.h5"
    )
    with pytest.raises(
        ModelError, match=r"expected: mobilenet_2_5_128_tf_no_top\.h5 for mobilenet_025"
    ):
        available_backbones(("mobilenet_025",), str(tmp_path), (128, 128))
    path = (tmp_path / "own.weights.h5").rename(tmp_path / "mobilenet_2_5_160_tf_no_top.h5")
    names = available_backbones(tuple(BACKBONES), str(tmp_path), (96, 96))
    assert names == ("mobilenet_025",)
    assert weights_file("mobilenet_025", str(tmp_path), (96, 96)) == path
    with pytest.raises(ModelError, match="xception_weights_tf_dim_ordering"):
        weights_file("xception", str(tmp_path), (96, 96))
    path.rename(tmp_path / "mobilenet_5_0_224_tf_no_top.h5")
    with pytest.raises(ModelError, match="fits no backbone"):
        available_backbones(("mobilenet_050",), str(tmp_path), (96, 96))


def test_a_given_file_is_what_the_backbone_computes_with(tmp_path):
    path = tmp_path / "own.weights.h5"
    saved = build_backbone("mobilenet_075", image_size=(32, 32), weights=None)
    saved.save_weights(path)
    loaded = build_backbone("mobilenet_075", image_size=(48, 48), weights=str(path))
    for given, expected in zip(loaded.get_weights(), saved.get_weights(), strict=True):
        np.testing.assert_array_equal(given, expected)


def test_a_broken_file_in_the_cache_is_named(cache):
    (cache / "mobilenet_7_5_224_tf_no_top.h5").write_bytes(b"half a file")
    with pytest.raises(ModelError, match="remove the file"):
        build_backbone("mobilenet_075", image_size=(96, 96), weights="imagenet")


def test_the_classifier_takes_raw_pixels_and_names_a_thousand_classes(cache):
    import keras

    network = keras.applications.MobileNet(alpha=0.75, weights=None)
    network.save_weights(cache / "saved.weights.h5")
    (cache / "saved.weights.h5").rename(cache / "mobilenet_7_5_224_tf.h5")
    with pytest.raises(ModelError, match="does not fit mobilenet_075"):
        pretrained.imagenet_classifier("mobilenet_075")
    keras.saving.save_model(network, cache / "whole.h5")
    (cache / "whole.h5").replace(cache / "mobilenet_7_5_224_tf.h5")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    given = pretrained.imagenet_classifier("mobilenet_075").predict(pixels, verbose=0)
    expected = network.predict(pixels / np.float32(127.5) - 1, verbose=0)
    assert given.shape == (2, 1000)
    np.testing.assert_allclose(given, expected, atol=1e-6)


@pytest.mark.photos
def test_published_weights_tell_cats_from_dogs_before_any_training():
    import keras

    path = SHARED / "weights" / "mobilenet_7_5_224_tf_no_top.h5"
    photos = SHARED / "data" / "cats_vs_dogs_180"
    if not path.is_file() or not photos.is_dir():
        pytest.skip("needs the weights and photos beside the checkout")
    chosen = [sorted((photos / kind).iterdir())[:60] for kind in ("cat", "dog")]
    pixels = np.stack(
        [keras.utils.img_to_array(keras.utils.load_img(p)) for kind in chosen for p in kind]
    )
    network = build_backbone("mobilenet_075", image_size=(180, 180), weights=str(path))
    inputs = keras.ops.convert_to_tensor(pretrained.preprocessing("mobilenet_075")(pixels))
    features = network.predict(inputs, verbose=0)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    train = np.r_[0:30, 60:90]
    means = [features[train[:30]].mean(0), features[train[30:]].mean(0)]
    nearer_dog = features @ (means[1] - means[0]) > 0
    correct = np.r_[~nearer_dog[30:60], nearer_dog[90:120]]
    assert correct.mean() > 0.85
