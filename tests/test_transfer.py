import keras
import keras_tuner
import numpy as np
import pytest

from models.families import transfer
from models.families.backbone import enlarged
from models.families.head import plain_dropout
from models.hypermodel import ImageClassifier
from models.optimization import CLIP_NORM
from models.pretrained.layers import lower_part, upper_part
from models.pretrained.networks import build_backbone

SIZE = (32, 32)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Weights of a MobileNet whose statistics are those of no batch seen here."""
    keras.utils.set_random_seed(3)
    network = build_backbone("mobilenet_075", image_size=SIZE, weights=None)
    rng = np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, _ = layer.get_weights()
            noise = rng.normal(size=mean.shape)
            # Small variances keep the signal of random kernels alive through 27 layers.
            layer.set_weights([gamma, beta, mean + 0.1 * noise, 0.1 + 0.1 * abs(noise)])
    path = tmp_path_factory.mktemp("weights") / "own.weights.h5"
    network.save_weights(path)
    return str(path)


def classifier(weights, backbone="mobilenet_075"):
    return ImageClassifier(
        families=("transfer",),
        backbones=(backbone,),
        image_size=SIZE,
        num_classes=2,
        compact=False,
        weights=weights,
    )


def hyperparameters(hypermodel, **values):
    hp = keras_tuner.HyperParameters()
    hp.values.update({f"transfer/{name}": value for name, value in values.items()})
    hypermodel.declare_hyperparameters(hp)
    return hp


def batch(count=8):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (count, *SIZE, 3), dtype=np.uint8)
    return images, rng.integers(0, 2, (count, 1)).astype("float32")


def trained_in_phase(hypermodel, hp, phase):
    """The model after two steps of `phase`, and its backbone's weights before them."""
    model = hypermodel.build(hp)
    hypermodel.compile(model, hp, phase=phase, steps_per_epoch=2, max_epochs=5)
    before = [(v.path, v.numpy()) for v in model.get_layer("backbone").variables]
    images, labels = batch()
    for _ in range(2):
        model.train_on_batch(images, labels)
    return model, before


def changed(model, before):
    now = {v.path: v.numpy() for v in model.get_layer("backbone").variables}
    return [path for path, value in before if not np.array_equal(now[path], value)]


def test_a_frozen_backbone_does_not_change_in_training_and_the_head_does(weights):
    hypermodel = classifier(weights)
    model, before = trained_in_phase(hypermodel, hyperparameters(hypermodel, head_units=0), phase=0)
    assert changed(model, before) == []
    assert [v.path for v in model.trainable_variables] == [
        "probabilities/kernel",
        "probabilities/bias",
    ]


def test_a_model_is_built_with_its_backbone_frozen(weights):
    hypermodel = classifier(weights)
    model = hypermodel.build(hyperparameters(hypermodel))
    assert model.get_layer("backbone").trainable_variables == []
    assert len(model.trainable_variables) == 4


def test_batch_normalisation_stays_in_inference_mode(weights):
    hypermodel = classifier(weights)
    hp = hyperparameters(hypermodel, unfreeze=1.0, warmup_epochs=1, dropout=0.0)
    model = hypermodel.build(hp)
    hypermodel.compile(model, hp, phase=1, steps_per_epoch=2, max_epochs=5)
    images, _ = batch()
    training = keras.ops.convert_to_numpy(model(images, training=True))
    inference = keras.ops.convert_to_numpy(model(images, training=False))
    np.testing.assert_array_equal(training, inference)


def test_dropout_inside_the_backbone_is_off_in_training(tmp_path):
    keras.utils.set_random_seed(0)
    network = build_backbone("efficientnet_v2_b0", image_size=SIZE, weights=None)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_variance.assign(layer.moving_variance * 0.65)  # a signal that survives
    network.save_weights(tmp_path / "own.weights.h5")
    hypermodel = classifier(str(tmp_path / "own.weights.h5"), backbone="efficientnet_v2_b0")
    hp = hyperparameters(hypermodel, unfreeze=1.0, warmup_epochs=0, dropout=0.0)
    model = hypermodel.build(hp)
    hypermodel.compile(model, hp, phase=0, steps_per_epoch=2, max_epochs=5)
    images, _ = batch()
    training = keras.ops.convert_to_numpy(model(images, training=True))
    inference = keras.ops.convert_to_numpy(model(images, training=False))
    assert np.isfinite(inference).all()
    assert inference.std() > 1e-6
    np.testing.assert_array_equal(training, inference)


def test_the_second_phase_goes_on_at_a_lower_rate_where_the_schedule_was(weights):
    hypermodel = classifier(weights)
    hp = hyperparameters(hypermodel, unfreeze=0.5, warmup_epochs=2, fine_tune_rate=0.1)
    hp.values.update({"learning_rate": 0.01, "warmup": 0.0})
    model = hypermodel.build(hp)
    rates = []
    for phase in (0, 1):
        hypermodel.compile(model, hp, phase=phase, steps_per_epoch=10, max_epochs=4)
        rates.append(float(model.optimizer.learning_rate))
    # Epoch 2 of 4 is the middle of the cosine: half the rate, times 0.1.
    assert rates == pytest.approx([0.01, 0.0005])


def test_unfreezing_trains_the_last_part_without_its_batch_normalisation(weights):
    hypermodel = classifier(weights)
    hp = hyperparameters(hypermodel, unfreeze=0.25, warmup_epochs=1, fine_tune_rate=1.0)
    model, before = trained_in_phase(hypermodel, hp, phase=1)
    moved = changed(model, before)
    assert moved, "nothing was unfrozen"
    assert not [path for path in moved if "bn" in path]
    assert any("conv_pw_13" in path for path in moved)
    assert not [path for path in moved if "conv1" in path or "conv_pw_5" in path]


def test_the_warm_up_trains_the_head_alone(weights):
    hypermodel = classifier(weights)
    hp = hyperparameters(hypermodel, unfreeze=0.5, warmup_epochs=2)
    model, before = trained_in_phase(hypermodel, hp, phase=0)
    assert hypermodel.phase_starts(hp) == (0, 2)
    assert changed(model, before) == []


def test_without_warm_up_there_is_one_phase_with_the_backbone_unfrozen(weights):
    hypermodel = classifier(weights)
    hp = hyperparameters(hypermodel, unfreeze=1.0, warmup_epochs=0)
    model, before = trained_in_phase(hypermodel, hp, phase=0)
    assert hypermodel.phase_starts(hp) == (0,)
    assert any("conv1/kernel" in path for path in changed(model, before))


def test_a_frozen_backbone_has_one_phase(weights):
    hypermodel = classifier(weights)
    assert hypermodel.phase_starts(hyperparameters(hypermodel)) == (0,)


def test_from_scratch_everything_is_trained_batch_statistics_too():
    hypermodel = classifier(None)
    hp = hyperparameters(hypermodel)
    assert "transfer/unfreeze" not in hp.values
    model, before = trained_in_phase(hypermodel, hp, phase=0)
    moved = changed(model, before)
    assert any("conv1/kernel" in path for path in moved)
    assert any("moving_mean" in path for path in moved)


def test_without_weights_what_was_fine_tuned_is_as_large_as_it_is():
    """So its cost is measured."""
    values = {"unfreeze": 0.3, "fine_tune_rate": 0.3, "layer_decay": 0.9}
    hypermodel = classifier(None)
    hp = hyperparameters(hypermodel, **values)
    assert "transfer/head_units" not in hp.values
    dense = [layer for layer in hypermodel.build(hp).get_layer("head").layers if layer.weights]
    assert [layer.units for layer in dense] == [1]


def test_a_head_on_cached_features_gives_what_the_whole_model_gives(weights):
    hypermodel = classifier(weights)
    hp = hyperparameters(hypermodel, head_units=128, normalization="batch")
    model = hypermodel.build(hp)
    features = hypermodel.build_extractor(hp).predict(batch()[0], verbose=0)
    head = hypermodel.build_rest(hp, shape=features.shape[1:], dropout=plain_dropout)
    head.set_weights(model.get_layer("head").get_weights())
    expected = model.predict(batch()[0], verbose=0)
    np.testing.assert_allclose(head.predict(features, verbose=0), expected, atol=1e-6)
    whole = hypermodel.assembled(hp, head)
    np.testing.assert_allclose(whole.predict(batch()[0], verbose=0), expected, atol=1e-6)


def test_small_images_can_be_shown_to_the_backbone_at_twice_the_size(weights):
    hypermodel = classifier(weights)
    model = hypermodel.build(hyperparameters(hypermodel, upscale=2.0))
    assert model.get_layer("backbone").input_shape == (None, 64, 64, 3)
    assert model.input_shape == (None, 32, 32, 3)
    plain = hypermodel.build(hyperparameters(hypermodel, upscale=1.0))
    assert plain.count_params() == model.count_params()
    assert "upscale" not in [layer.name for layer in plain.layers]


@pytest.mark.parametrize(
    ("side", "sides"), [(96, (96, 144, 192)), (150, (150, 225)), (180, (180,))]
)
def test_images_are_enlarged_to_about_the_size_of_training_at_most(side, sides):
    assert enlarged((side, side // 2)) == sides


@pytest.mark.parametrize("backbone", ["mobilenet_075", "mobilenet_v2", "efficientnet_v2_b0"])
def test_the_parts_of_a_divided_backbone_give_what_the_whole_gives(backbone):
    network = build_backbone(backbone, image_size=SIZE, weights=None)
    images = np.random.default_rng(0).normal(size=(2, *SIZE, 3)).astype("float32")
    for part in (0.15, 0.5):
        between = lower_part(network, part)(images)
        found = upper_part(network, part)(between)
        np.testing.assert_allclose(found, network(images), atol=1e-6)


def test_what_is_fine_tuned_starts_from_the_probe_and_moves_the_last_layers_most(weights):
    hypermodel = classifier(weights)
    hp = hyperparameters(hypermodel, unfreeze=0.3)
    assert transfer.probe(hp.values) == {
        "family": "probe",
        "probe/backbone": "mobilenet_075",
        "probe/image_size": 64,
    }
    features = hypermodel.build_extractor(hp).predict(batch()[0], verbose=0)
    rest = hypermodel.build_rest(hp, shape=features.shape[1:], dropout=plain_dropout)
    hypermodel.compile(rest, hp, phase=0, steps_per_epoch=2, max_epochs=2)
    factors = transfer.rate_factors(rest, hp)
    of_layer = {path.split("/")[0]: factor for path, factor in factors.items()}
    assert of_layer["conv_pw_10"] < of_layer["conv_pw_13"] <= 1.0
    assert not any("conv_pw_1/" in path for path in factors)
    rest.train_on_batch(features, batch()[1])
    assert rest.optimizer.global_clipnorm == CLIP_NORM
    whole = hypermodel.assembled(hp, rest)
    expected = rest.predict(features, verbose=0)
    np.testing.assert_allclose(whole.predict(batch()[0], verbose=0), expected, atol=1e-5)


def test_published_recipes_train_a_random_head_at_one_rate(weights):
    hypermodel = classifier(weights)
    hp = hyperparameters(hypermodel, unfreeze=0.3, warmup_epochs=0)
    assert transfer.probe(hp.values) is None
    assert not transfer.are_fixed(hp, hypermodel.options)
    assert transfer.rate_factors(hypermodel.build(hp), hp) == {}


def test_the_order_of_the_weights_is_the_same_in_every_phase(weights):
    hypermodel = classifier(weights)
    hp = hyperparameters(hypermodel, unfreeze=0.5, warmup_epochs=1)
    model = hypermodel.build(hp)
    built = [v.path for v in model.weights]
    for phase in (0, 1):
        hypermodel.compile(model, hp, phase=phase, steps_per_epoch=2, max_epochs=5)
        assert [v.path for v in model.weights] == built
