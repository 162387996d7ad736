import keras
import keras_tuner
import numpy as np
import pytest

from models.errors import ModelError
from models.families.registry import FAMILIES
from models.hypermodel import ImageClassifier
from models.known_good import baseline_values, default_values
from models.pretrained.backbones import BACKBONES


def classifier(families=tuple(FAMILIES), num_classes=2, compact=True, **arguments):
    given = {"backbones": ("mobilenet_075",), "image_size": (32, 32), "weights": None}
    return ImageClassifier(
        families=families, num_classes=num_classes, compact=compact, **{**given, **arguments}
    )


def defaults(hypermodel, family):
    hp = keras_tuner.HyperParameters()
    hp.values.update(default_values(hypermodel, family))
    return hp


@pytest.fixture
def mixed_bfloat16():
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    yield
    keras.mixed_precision.set_dtype_policy(before)


@pytest.mark.parametrize(("counts", "declared"), [((), False), ((90, 10), True)])
def test_classes_are_weighted_only_where_they_are_unequal(counts, declared):
    space = keras_tuner.HyperParameters()
    classifier(class_counts=counts).declare_search(space)
    assert ("class_weights" in space.values) == declared
    assert space.values.get("class_weights", "none") == "none"


@pytest.mark.parametrize("family", FAMILIES)
def test_defaults_hold_the_chosen_family_and_nothing_of_the_others(family):
    values = default_values(classifier(weights="imagenet"), family)
    assert values["family"] == family
    of_families = {name.split("/")[0] for name in values if name.split("/")[0] in FAMILIES}
    assert of_families == {family}
    assert "sgd_learning_rate" not in values
    assert ("weight_decay" in values) == (values["optimizer"] != "adam")


def test_a_family_has_known_good_values_of_its_own():
    assert default_values(classifier(), "transfer")["optimizer"] == "adamw"
    assert default_values(classifier(), "cnn")["learning_rate"] == 1e-3


def test_known_good_values_differ_and_are_of_every_family_transfer_first():
    hypermodel = classifier(("probe", "xception", "cnn", "transfer"), weights="imagenet")
    values = baseline_values(hypermodel)
    assert [v["family"] for v in values] == ["transfer"] * 6 + ["cnn", "xception"]
    assert len({tuple(sorted(v.items())) for v in values}) == len(values)


def test_known_good_values_stand_on_the_winners_of_the_race():
    hypermodel = classifier(("transfer",), weights="imagenet")
    sides = hypermodel.options.backbone_sizes
    winners = [{"probe/backbone": "mobilenet_v2", "probe/image_size": side} for side in sides[::-1]]
    values = baseline_values(hypermodel, winners)
    tuned = [v for v in values if v["transfer/unfreeze"]]
    assert {v["transfer/backbone"] for v in values} == {"mobilenet_v2"}
    assert {v["transfer/image_size"] for v in values if v not in tuned} == {sides[-1]}
    assert [v["transfer/image_size"] for v in tuned] == [sides[0], sides[-1]]


def test_of_two_backbones_that_won_both_are_fine_tuned_at_the_smallest_size_and_first():
    names = ("mobilenet_075", "mobilenet_v2")
    hypermodel = classifier(("transfer",), weights="imagenet", backbones=names)
    smallest, *_, largest = hypermodel.options.backbone_sizes
    winners = [{"probe/backbone": name, "probe/image_size": largest} for name in names[::-1]]
    values = baseline_values(hypermodel, winners)
    tuned = [(v["transfer/backbone"], v["transfer/image_size"]) for v in values[:2]]
    assert tuned == [("mobilenet_v2", smallest), ("mobilenet_075", smallest)]
    assert [bool(v["transfer/unfreeze"]) for v in values] == [True] * 2 + [False] * (
        len(values) - 2
    )


def test_without_pretrained_weights_nothing_is_fine_tuned():
    values = baseline_values(classifier(("transfer",)))
    assert [v["family"] for v in values] == ["transfer"] * 5


def test_a_scope_is_active_only_where_its_parent_is_chosen():
    hp = keras_tuner.HyperParameters()
    hp.values.update({"family": "cnn", "optimizer": "sgd", "schedule": "constant"})
    classifier().declare_hyperparameters(hp)
    assert "sgd_learning_rate" in hp.values
    assert not {"learning_rate", "warmup", "xception/width"} & set(hp.values)


def test_declaring_again_in_build_changes_nothing():
    hypermodel = classifier(("cnn",))
    hp = keras_tuner.HyperParameters()
    hypermodel.declare_hyperparameters(hp)
    space, values = len(hp.space), dict(hp.values)
    hypermodel.build(hp)
    assert (len(hp.space), hp.values) == (space, values)


def test_every_random_configuration_of_the_small_families_builds():
    hypermodel = classifier(("cnn", "xception"))
    space = keras_tuner.HyperParameters()
    hypermodel.declare_hyperparameters(space)
    oracle = keras_tuner.oracles.RandomSearchOracle(
        objective="val_loss", max_trials=6, hyperparameters=space, seed=4
    )
    for number in range(6):
        hp = space.copy()
        hp.values = oracle.populate_space(str(number))["values"]
        model = hypermodel.build(hp)
        hypermodel.compile(model, hp, phase=0, steps_per_epoch=3, max_epochs=2)
        assert model.output_shape == (None, 1)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("num_classes", "units", "total"), [(2, 1, None), (3, 3, 1.0)])
def test_pixels_go_in_and_probabilities_come_out(family, num_classes, units, total):
    hypermodel = classifier(num_classes=num_classes)
    model = hypermodel.build(defaults(hypermodel, family))
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    given = model.predict(images, verbose=0)
    assert given.shape == (4, units)
    assert given.dtype == np.float32
    assert (given >= 0).all() and (given <= 1).all()
    if total:
        np.testing.assert_allclose(given.sum(axis=1), total, rtol=1e-5)
    from_floats = model.predict(images.astype("float32"), verbose=0)
    np.testing.assert_array_equal(given, from_floats)


@pytest.mark.parametrize("family", ["cnn", "xception"])
def test_probabilities_are_float32_in_mixed_precision(family, mixed_bfloat16):
    hypermodel = classifier()
    model = hypermodel.build(defaults(hypermodel, family))
    assert model.output.dtype == "float32"
    assert {layer.compute_dtype for layer in model.layers} == {"bfloat16", "float32"}


def test_the_same_seed_draws_the_same_weights():
    hypermodel = classifier(("cnn",))

    def weights(seed):
        keras.utils.set_random_seed(seed)
        return hypermodel.build(defaults(hypermodel, "cnn")).get_weights()[0]

    np.testing.assert_array_equal(weights(1), weights(1))
    assert not np.array_equal(weights(1), weights(2))


def test_a_few_epochs_learn_bright_from_dark():
    keras.utils.set_random_seed(0)
    hypermodel = classifier(("cnn",))
    hp = defaults(hypermodel, "cnn")
    labels = np.arange(64)[:, None] % 2
    images = (
        np.random.default_rng(0).integers(0, 128, (64, 32, 32, 3)) + 127 * labels[..., None, None]
    )
    model = hypermodel.build(hp)
    hypermodel.compile(model, hp, phase=0, steps_per_epoch=4, max_epochs=8)
    model.fit(images, labels.astype("float32"), batch_size=16, epochs=8, verbose=0)
    assert ((model.predict(images, verbose=0) > 0.5) == labels).mean() > 0.95


def test_no_model_needs_our_code_to_be_loaded():
    for family in FAMILIES:
        hypermodel = classifier()
        model = hypermodel.build(defaults(hypermodel, family))
        for layer in model._flatten_layers():
            assert type(layer).__module__.startswith("keras.")
            assert type(layer).__name__ != "Lambda"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"families": ("cnn",), "image_size": (15, 64)},
            "received 15x64, but family cnn needs at least 16x16",
        ),
        ({"families": ("transfer",), "image_size": (20, 20)}, "family transfer needs at least 32"),
        ({"backbones": ("xception",)}, "backbone xception needs at least 71x71"),
        (
            {"families": ("cnn", "vit")},
            "received vit, expected one or more of probe, joined, transfer, cnn, xception",
        ),
        ({"families": ()}, "received none"),
        ({"backbones": ()}, "backbone: received none"),
    ],
)
def test_what_cannot_be_built_is_refused_at_the_door(arguments, message):
    with pytest.raises(ModelError, match=message):
        classifier(**arguments)


def test_without_transfer_no_backbone_is_needed():
    hp = keras_tuner.HyperParameters()
    classifier(("cnn",), backbones=()).declare_hyperparameters(hp)
    assert not [p.name for p in hp.space if p.name.startswith("transfer/")]


def test_all_backbones_can_be_searched():
    hp = keras_tuner.HyperParameters()
    hypermodel = classifier(backbones=tuple(BACKBONES), image_size=(96, 96), weights="imagenet")
    hypermodel.declare_hyperparameters(hp)
    assert next(p for p in hp.space if p.name == "transfer/backbone").values == list(BACKBONES)
