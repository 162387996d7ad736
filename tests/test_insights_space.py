import json

import keras_tuner
import pytest
from made_up_search import begun
from searching import oracle_in

from search.insights.space import read_space
from search.run_folder.paths import RunFolder


def saved(folder, space):
    """The run folder of a search over that space."""
    oracle_in(folder, space=space).save()
    return RunFolder(folder)


def test_the_real_space_is_read_with_kinds_ends_and_families(tmp_path):
    run = RunFolder(tmp_path)
    begun(run, families=("cnn", "xception"))
    space = read_space(run)
    rate, strength, blocks = (
        space[name] for name in ("learning_rate", "augmentation/strength", "cnn/blocks")
    )
    assert (rate.family, rate.log, rate.ranged, rate.values) == (None, True, True, ())
    assert (rate.low, rate.high) == (1e-4, 1e-2)
    assert (strength.family, len(strength.values), strength.ranged) == (None, 11, True)
    assert (blocks.family, blocks.values) == ("cnn", (2, 3, 4, 5))
    filters, normalization = space["cnn/filters"], space["cnn/normalization"]
    assert (filters.ordered, filters.ranged, filters.values) == (True, False, (8, 16, 32))
    assert (normalization.ordered, normalization.values) == (False, ("batch", "none"))


def test_a_name_of_several_scopes_is_one_hyperparameter_of_no_family(tmp_path):
    space = keras_tuner.HyperParameters()
    space.Choice("family", ["a", "b"])
    for family, last in (("a", 3), ("b", 5)):
        with space.conditional_scope("family", [family]):
            space.Int("depth", 1, last)
            space.Choice(f"only_{family}", [1, 2])
    merged = read_space(saved(tmp_path, space))
    assert merged["depth"].values == (1, 2, 3, 4, 5)
    assert merged["depth"].family is None
    assert (merged["only_a"].family, merged["only_b"].family) == ("a", "b")


def test_every_kind_of_keras_tuners_is_read(tmp_path):
    space = keras_tuner.HyperParameters()
    space.Boolean("flag")
    space.Fixed("fixed", 3)
    space.Int("wide", 8, 4096)
    space.Float("rate", 0.01, 1.0, sampling="log")
    found = read_space(saved(tmp_path, space))
    assert (found["flag"].ordered, found["flag"].values) == (False, (False, True))
    assert found["fixed"].single
    assert (found["wide"].values, found["wide"].place(8), found["wide"].place(4096)) == ((), 0, 1)
    assert found["rate"].place(0.1) == pytest.approx(0.5)


def test_places_bear_the_rounding_of_steps_and_refuse_what_is_no_value(tmp_path):
    run = RunFolder(tmp_path)
    begun(run)
    space = read_space(run)
    assert space["augmentation/strength"].place(0.1 + 0.2) == 3.0
    assert space["augmentation/strength"].place(0.35) is None
    assert space["cnn/normalization"].place("layer") is None
    assert space["cnn/filters"].place("16") is None


@pytest.mark.parametrize(
    "content", [None, "", "[]", "{}", '{"hyperparameters": {"space": [{"class_name": "Int"}]}}']
)
def test_a_missing_or_broken_file_declares_nothing(tmp_path, content):
    path = tmp_path / "oracle" / "oracle.json"
    path.parent.mkdir()
    if content is not None:
        path.write_text(content)
    assert read_space(RunFolder(tmp_path)) == {}


def test_an_odd_entry_makes_the_whole_space_unread(tmp_path):
    run = RunFolder(tmp_path)
    begun(run)
    path = tmp_path / "oracle" / "oracle.json"
    state = json.loads(path.read_text())
    state["hyperparameters"]["space"][3]["config"].pop("name")
    path.write_text(json.dumps(state))
    assert read_space(run) == {}
