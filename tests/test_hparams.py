"""Columns of HParams: what they may hold, which come first, and what judges a row."""

import keras_tuner
import pytest
from tensorboard.plugins.hparams import api, api_pb2

from search.observers.hparams import (
    FOREMOST,
    hyperparameter_columns,
    metric_columns,
    row,
)


def columns_of(space):
    """Messages of HParams by name, as they are written."""
    found = {}
    for column in hyperparameter_columns(space):
        info = found[column.name] = api_pb2.HParamInfo(display_name=column.display_name)
        column.domain.update_hparam_info(info)
    return found


@pytest.fixture
def space():
    hp = keras_tuner.HyperParameters()
    hp.Choice("family", ["cnn", "xception"])
    hp.Float("learning_rate", 1e-4, 1e-2, sampling="log")
    hp.Float("sgd_learning_rate", 1e-3, 1e-1, sampling="log")
    for family in ("cnn", "xception"):
        with hp.conditional_scope("family", [family]):
            hp.Int("blocks", 2, 4)
    hp.Choice("cnn/filters", [8, 16])
    hp.Boolean("flipped")
    hp.Fixed("pixels", 96)
    return hp


def test_a_column_has_the_values_that_its_hyperparameter_may_have(space):
    found = columns_of(space)
    assert list(found["family"].domain_discrete) == ["cnn", "xception"]
    assert list(found["cnn/filters"].domain_discrete) == [8, 16]
    assert list(found["flipped"].domain_discrete) == [False, True]
    assert found["flipped"].type == api_pb2.DATA_TYPE_BOOL
    assert list(found["pixels"].domain_discrete) == [96]
    assert (found["blocks"].domain_interval.min_value, found["blocks"].type) == (
        2,
        api_pb2.DATA_TYPE_FLOAT64,
    )


def test_one_column_has_the_learning_rates_of_all_optimizers(space):
    interval = columns_of(space)["learning_rate"].domain_interval
    assert (interval.min_value, interval.max_value) == (1e-4, 1e-1)
    adam = {"optimizer": "adam", "learning_rate": 0.001}
    sgd = {"optimizer": "sgd", "sgd_learning_rate": 0.05}
    assert row(adam) == adam
    assert row(sgd) == {**sgd, "learning_rate": 0.05}


def test_what_every_family_has_comes_first(space):
    first = {name for name, info in columns_of(space).items() if info.differs}
    assert first == {"family", "learning_rate"}
    assert first < set(FOREMOST)


def test_headers_can_be_broken_and_names_are_kept(space):
    assert columns_of(space)["cnn/filters"].display_name == "cnn filters"


@pytest.mark.parametrize("objective", ["val_accuracy", "val_auc", "val_loss"])
def test_a_row_is_judged_by_the_objective_first_and_by_five_numbers_in_all(objective):
    columns = [column.as_proto() for column in metric_columns(objective)]
    assert columns[0].display_name == f"best {objective}"
    assert len({column.name.tag for column in columns}) == 5  # HParams shows no more by itself


def test_a_column_of_ours_is_one_of_hparams_own(space):
    assert all(isinstance(column.domain, api.Domain) for column in hyperparameter_columns(space))
