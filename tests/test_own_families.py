"""Families in files of users: how they are named, what is found in them, how they are built."""

import keras
import keras_tuner
import numpy as np
import pytest
from own_families import BLOCKS, GUIDE, LAYERED, PUBLIC, written

from models.describe import describe
from models.errors import ModelError
from models.families import registry
from models.families.family import ModelOptions
from models.families.own import loading
from models.families.own.discovery import discover
from models.families.own.loading import load_family
from models.families.own.references import names_in, reference, references_in
from models.hypermodel import ImageClassifier, with_values
from models.known_good import baseline_values, default_values
from models.space import traced_values
from search.inference.model_config import why_not_known


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """What a test registers is not known to the next."""
    monkeypatch.setattr(registry, "_own", {})


def family_of(folder, code, name):
    loaded = load_family(written(folder, code), name)
    registry.register(loaded.family)
    return loaded


def classifier(*families, num_classes=3, side=16):
    return ImageClassifier(
        families=families, image_size=(side, side), num_classes=num_classes, compact=True
    )


def options(side=16, num_classes=2):
    return ModelOptions(image_size=(side, side), num_classes=num_classes, compact=True)


def test_a_file_names_its_family_or_holds_one_alone(tmp_path):
    file = written(tmp_path, BLOCKS)
    assert reference(f"{file}:Blocks") == reference(str(file))
    assert reference(str(file)).name == "Blocks"
    assert names_in(["cnn", f"{file}:Blocks"]) == ("cnn", "Blocks")
    guide = written(tmp_path, GUIDE, "guide.py")
    assert [each.name for each in references_in(["cnn", str(guide), str(file)])] == [
        "build_model",
        "Blocks",
    ]
    made = written(
        tmp_path, "from models.families.family import Family\nMine = Family(name='Mine')"
    )
    assert reference(str(made)).name == "Mine"


@pytest.mark.parametrize(
    ("code", "name", "said"),
    [
        ("x = 1", "", r"name one of its families, as .*mine.py:NAME \(there are: none\)"),
        (BLOCKS + GUIDE, "", r"there are: Blocks, build_model"),
        (BLOCKS, ":Wide", r"defines no Wide \(it defines: keras, keras_tuner, layers, Blocks\)"),
        ("def build(hp: pass", "", "cannot be read as Python"),
        ("def cnn(hp): pass", ":cnn", "the name cnn is taken by a built-in family"),
        ("def _mine(hp): pass", ":_mine", "or starts with '_'"),
    ],
)
def test_a_file_that_names_none_is_said_to(tmp_path, code, name, said):
    with pytest.raises(ModelError, match=said):
        reference(f"{written(tmp_path, code)}{name}")


def test_a_file_that_is_not_there_and_a_name_given_twice_are_said_to_be(tmp_path):
    with pytest.raises(ModelError, match="nowhere.py: No such file"):
        reference(str(tmp_path / "nowhere.py"))
    (tmp_path / "other").mkdir()
    files = [written(tmp_path, BLOCKS), written(tmp_path / "other", BLOCKS)]
    with pytest.raises(ModelError, match="Blocks is the name of two"):
        references_in(map(str, files))


def test_a_file_is_looked_at_without_being_run(tmp_path):
    code = f"open({str(tmp_path / 'ran')!r}, 'w')\n" + BLOCKS
    reference(str(written(tmp_path, code)))
    assert not (tmp_path / "ran").exists()


def test_what_loops_and_conditions_declare_is_found_and_what_changes_nothing_left_out(tmp_path):
    found = family_of(tmp_path, BLOCKS, "Blocks").model.hyperparameters(options())
    names = [entry.name for entry in found.entries]
    assert set(names) == {"blocks", "filters_0", "filters_1", "dropout", "pooling", "units"}
    assert found.without_effect == ("rate",)
    (units,) = [entry for entry in found.entries if entry.name == "units"]
    assert [(each.name, each.values) for each in units.conditions] == [("pooling", ["flatten"])]


def test_a_hyperparameter_that_only_decides_about_others_is_kept():
    def build(hp):
        images = keras.Input((4,))
        kind = hp.Choice("kind", ["plain", "wide"])
        with hp.conditional_scope("kind", ["wide"]):
            units = hp.Choice("units", [2, 3]) if kind == "wide" else 2
        hp.Fixed("fixed", 1)
        return keras.Model(images, keras.layers.Dense(units)(images))

    found = discover(build)
    assert {entry.name for entry in found.entries} == {"kind", "units"}


def test_how_a_model_inside_is_trained_and_what_layers_are_called_change_nothing():
    def build(hp):
        inner = keras.Sequential([keras.Input((4,)), keras.layers.Activation("relu")])
        inner.compile(keras.optimizers.SGD(hp.Float("rate", 0.1, 0.5)), loss="mse")
        images = keras.Input((4,), name=f"images_{hp.Choice('word', ['a', 'b'])}")
        x = keras.layers.Activation(hp.Choice("activation", ["relu", "tanh"]))(images)
        return keras.Model(images, inner(x))

    found = discover(build)
    assert [entry.name for entry in found.entries] == ["activation"]
    assert found.without_effect == ("rate", "word")


def test_what_is_used_under_another_value_only_is_kept():
    def build(hp):
        images = keras.Input((4,))
        use, rate = hp.Boolean("use"), hp.Float("rate", 0.1, 0.5)
        count = hp.Int("count", 1, 3, default=1)
        units = [hp.Int(f"units_{number}", 2, 8) for number in range(3)]
        hp.Float("speed", 0.1, 0.5)
        x = keras.layers.Dropout(rate)(images) if use else images
        for number in range(count):
            x = keras.layers.Dense(units[number])(x)
        return keras.Model(images, x)

    found = discover(build)
    names = {entry.name for entry in found.entries}
    assert names == {"use", "rate", "count", "units_0", "units_1", "units_2"}
    assert found.without_effect == ("speed",)


def test_the_number_of_builds_is_bounded_and_what_was_not_looked_at_is_kept():
    builds = []

    def build(hp):
        builds.append(1)
        images = keras.Input((2,))
        for number in range(100):
            hp.Int(f"value_{number}", 0, 10)
        return keras.Model(images, keras.layers.Dense(1)(images))

    found = discover(build)
    assert len(builds) == 60
    assert 15 <= len(found.without_effect) <= 30
    assert len(found.entries) + len(found.without_effect) == 100
    assert "value_99" in {entry.name for entry in found.entries}


@pytest.mark.parametrize(
    ("code", "name", "num_classes", "outputs"),
    [
        (BLOCKS, "Blocks", 2, 1),
        (GUIDE, "build_model", 5, 5),
        (LAYERED, "build_layered", 2, 1),
        (PUBLIC, "Scaled", 5, 5),
    ],
)
def test_models_of_files_are_like_those_of_all_families(tmp_path, code, name, num_classes, outputs):
    family_of(tmp_path, code, name)
    hypermodel = classifier("cnn", name, num_classes=num_classes)
    space = keras_tuner.HyperParameters()
    hypermodel.declare_search(space)
    own = [entry for entry in space.space if entry.name.startswith(f"{name}/")]
    assert own
    assert all(entry.conditions[0].name == "family" for entry in own)
    values = default_values(hypermodel, name)
    assert values["family"] == name
    keras.utils.set_random_seed(1)
    model = hypermodel.build(with_values(values))
    assert not model.compiled
    images = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), np.uint8)
    answers = np.asarray(model(images))
    assert answers.shape == (4, outputs)
    assert ((answers >= 0) & (answers <= 1)).all()
    if outputs > 1:
        assert answers.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    hypermodel.compile(model, with_values(values), phase=0, steps_per_epoch=1, max_epochs=1)
    targets = np.eye(num_classes, dtype=np.float32)[np.arange(4) % num_classes][:, -outputs:]
    assert np.isfinite(model.fit(images, targets, verbose=0).history["loss"][0])
    keras.utils.set_random_seed(1)
    again = hypermodel.build(with_values(values))
    assert [v.shape for v in again.variables] == [v.shape for v in model.variables]


def test_values_decide_what_is_built(tmp_path):
    family_of(tmp_path, BLOCKS, "Blocks")
    hypermodel = classifier("Blocks")
    plain = default_values(hypermodel, "Blocks")
    deep = plain | {"Blocks/blocks": 2, "Blocks/filters_1": 8, "Blocks/dropout": 0.4}
    model = hypermodel.build(with_values(deep))
    convolutions = [each for each in model.layers if isinstance(each, keras.layers.Conv2D)]
    assert [each.filters for each in convolutions] == [4, 8]
    dropouts = [each for each in model.layers if "dropout" in each.name]
    assert [each.rate for each in dropouts] == [0.4, 0.4]
    assert describe(deep).startswith("Blocks, blocks 2, filters_0 4, dropout 0.4, pooling average,")
    assert [each["family"] for each in baseline_values(hypermodel)] == ["Blocks"]
    # Its rates are no variables: another needs a step of its own.
    family = registry.family_named("Blocks")
    other = deep | {"Blocks/dropout": 0.2}
    steps = [traced_values(v, variable_rates=family.variable_rates) for v in (deep, other)]
    assert steps[0] != steps[1]


def test_hyperparameters_that_are_known_are_not_looked_for_again(tmp_path):
    loaded = family_of(tmp_path, BLOCKS, "Blocks")
    found = loaded.model.hyperparameters(options())
    broken = BLOCKS.replace("        x = images", "        raise OSError\n        x = images")
    again = load_family(written(tmp_path, broken), "Blocks", found)
    hp = keras_tuner.HyperParameters()
    hp.Choice("family", ["Blocks"])
    again.family.declare(hp, options())
    assert "Blocks/filters_1" in hp.values


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("return keras.Sequential([layers.Dense(10)])", "expected a Dense layer with 3 units"),
        ("return keras.Sequential([layers.Flatten(), layers.Dense(10)])", "10 numbers"),
        ("return keras.Sequential([layers.Flatten()])", r"ends in Flatten \(no Dense layer\)"),
        ("return 3", "build gave int, expected a keras.Model"),
        (
            "i = keras.Input((28, 28, 1)); return keras.Model(i, layers.Flatten()(i))",
            r"takes images of shape \(None, 28, 28, 1\), expected \(None, 16, 16, 3\)",
        ),
        ("return type('Own', (keras.Model,), {})()", "is a subclass of keras.Model"),
    ],
)
def test_a_model_that_is_no_classifier_of_the_images_is_said_to_be_none(tmp_path, code, said):
    code = f"import keras\nfrom keras import layers\ndef build(hp):\n    {code}\n"
    family_of(tmp_path, code, "build")
    hypermodel = classifier("build")
    with pytest.raises(ModelError, match=said):
        hypermodel.build(with_values(default_values(hypermodel, "build")))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import nowhere_at_all\nbuild = 1", "imports nowhere_at_all, which is not installed"),
        ("1 / 0\nbuild = 1", "ZeroDivisionError: division by zero"),
        ("build = 3", "build is int, expected a Family, a HyperModel or a function"),
    ],
)
def test_code_that_fails_says_where(tmp_path, code, said):
    with pytest.raises(ModelError, match=said):
        load_family(written(tmp_path, code), "build")


def test_a_layer_of_a_file_is_told_from_what_borrows_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "_own_layers", {})
    family_of(tmp_path, LAYERED, "build_layered")
    module = "tune_family_mine"
    assert loading.is_own_layer(module, "Doubled", "Doubled")
    assert loading.is_own_layer(module, "Halved", "mine>Halved")
    assert not loading.is_own_layer("os", "Doubled", "Doubled")
    assert not loading.is_own_layer(module, "function", "Doubled")
    assert not loading.is_own_layer(module, "Other", "Other")
    part = {"module": "os", "class_name": "function", "config": "system"}
    config = {"class_name": "Functional", "config": part | {"registered_name": "Doubled"}}
    assert "none of our layers" in why_not_known(config | {"module": "keras.src.models.functional"})


FAMILY = """
from models.families.family import Family
from models.families.head import images_input, plain_dropout, probabilities


def declare(hp, options):
    hp.Choice("{scope}/pool", [2, 4])


def build(hp, options, dropout=plain_dropout):
    import keras

    images = images_input(options.image_size)
    x = keras.layers.AveragePooling2D(hp.get("Pooled/pool"))(images)
    x = keras.layers.Flatten()(x)
    return keras.Model(images, probabilities(x, num_classes=options.num_classes))


Pooled = Family(name="{name}", declare=declare, build=build, baselines=({{}}, {{"Pooled/pool": 4}}))
"""


def test_a_file_may_define_a_family_as_ours_are(tmp_path):
    family_of(tmp_path, FAMILY.format(scope="Pooled", name="Pooled"), "Pooled")
    hypermodel = classifier("Pooled")
    assert [each["Pooled/pool"] for each in baseline_values(hypermodel)] == [2, 4]
    model = hypermodel.build(with_values(default_values(hypermodel, "Pooled")))
    assert model.output_shape == (None, 3)
    with pytest.raises(ModelError, match="has the name Other; name both alike"):
        family_of(tmp_path, FAMILY.format(scope="Pooled", name="Other"), "Pooled")
    with pytest.raises(
        ModelError, match="declares cnn/pool; expected names that begin with Pooled"
    ):
        family_of(tmp_path, FAMILY.format(scope="cnn", name="Pooled"), "Pooled")


def test_a_family_whose_code_was_not_loaded_is_described_and_not_built(tmp_path):
    with pytest.raises(ModelError, match="received Far, expected one of probe, joined"):
        registry.family_named("Far")
    registry.register_name("Far")
    values = {"family": "Far", "Far/width": 3, "Far/kind": "x", "cnn/filters": 8}
    assert registry.family_named("Far").describe(values) == ["Far", "width 3", "kind x"]
    with pytest.raises(ModelError, match="the file that defines it was not loaded"):
        registry.family_named("Far").build(None, None)
    registry.register_name("cnn")
    assert registry.family_named("cnn") is registry.FAMILIES["cnn"]
