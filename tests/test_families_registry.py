import subprocess
import sys

import keras
import keras_tuner
import pytest
from searching import run_config
from small_trials import experiment_in, search_in_this_process

from models.describe import describe
from models.errors import ModelError
from models.families import registry
from models.families.family import Family, ModelOptions
from models.families.head import images_input, plain_dropout, probabilities
from search.algorithms.plan import baseline_count
from search.cli import _run
from search.inference.model_config import why_not_known
from search.run_folder.records import COMPLETED


def test_names_are_listed_without_loading_tensorflow():
    code = (
        "import sys;"
        "import models.families.registry;"
        "import models.pretrained.backbones;"
        "import models.pretrained.networks;"
        "import models.presets;"
        "import models.describe;"
        "print([m for m in ('tensorflow', 'keras', 'keras_tuner') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.strip() == "[]"


def _declare(hp, options):
    hp.Choice("linear/pool", [2, 4])


def _build(hp, options, dropout=plain_dropout):
    images = images_input(options.image_size)
    x = keras.layers.AveragePooling2D(hp.get("linear/pool"))(images)
    features = keras.layers.Flatten()(keras.layers.RandomFlip()(x))
    outputs = probabilities(features, num_classes=options.num_classes)
    return keras.Model(images, outputs, name="linear")


LINEAR = Family(
    name="linear",
    declare=_declare,
    build=_build,
    baselines=({}, {"linear/pool": 4}),
    describe=lambda values: [f"linear, pooled by {values['linear/pool']}"],
    min_image_size=4,
    layers=frozenset({"RandomFlip"}),
)


@pytest.fixture
def linear(monkeypatch):
    """A family that the program knows by its row alone."""
    monkeypatch.setitem(registry.FAMILIES, "linear", LINEAR)


def test_a_new_family_is_one_row(linear, tmp_path):
    experiment = experiment_in(
        tmp_path, families=("linear",), algo="random", max_trials=4, max_epochs=2
    )
    records = search_in_this_process(experiment)
    assert [record.status for record in records] == [COMPLETED] * 4
    assert [record.values["linear/pool"] for record in records[:2]] == [2, 4]
    assert describe(records[1].values).startswith("linear, pooled by 4, adam")
    assert baseline_count(experiment.config) == 2


def test_a_new_family_is_offered_on_the_command_line(linear, photos, capsys):
    assert _run(["run", str(photos), "--families", "vit"]) == 2
    assert "linear" in capsys.readouterr().err


def test_a_file_with_the_layers_of_a_new_family_can_be_loaded_and_no_other(linear):
    hp = keras_tuner.HyperParameters()
    options = ModelOptions((16, 16), num_classes=2, compact=True)
    LINEAR.declare(hp, options)
    config = keras.saving.serialize_keras_object(LINEAR.build(hp, options))
    assert why_not_known(config) == ""
    registry.FAMILIES.pop("linear")
    assert "RandomFlip, which is none of our layers" in why_not_known(config)


@pytest.mark.parametrize("name", ["vit", ""])
def test_an_unknown_family_is_refused_wherever_it_is_asked_for(name):
    with pytest.raises(
        ModelError, match=f"received {name}, expected one of probe, joined, transfer, cnn"
    ):
        registry.family_named(name)
    with pytest.raises(ModelError):
        describe({"family": name})
    with pytest.raises(ModelError):
        baseline_count(run_config(families=(name,)))
