"""Two backbones under one probe, from the race to the model that is exported."""

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format
from searching import trial_record
from small_trials import elsewhere, experiment_in, search_in_this_process
from stopping import NEVER, StopWhen

from models.describe import describe
from models.families.joined import of_best
from models.families.linear_probe import solve
from models.pretrained.networks import build_backbone
from search.algorithms.racing.probed import is_raced
from search.label_errors.out_of_fold import Judge, _prepared
from search.process.progress import Silent
from search.run_folder.records import COMPLETED
from search.trial.model_cache import ModelCache
from search.trial.retrain import train_epochs

NAMES = {
    "mobilenet_075": "mobilenet_7_5_224_tf_no_top.h5",
    "mobilenet_025": "mobilenet_2_5_224_tf_no_top.h5",
}
RACE = {
    "families": ("probe", "joined"),
    "backbones": tuple(NAMES),
    "image_size": (32, 32),
    "backbone_sizes": (32,),
    "largest_side": 32,
    "race_images": (),
    "algo": "random",
    "compact": True,
}
JOINED = {
    "family": "joined",
    "joined/backbone": "mobilenet_025",
    "joined/second": "mobilenet_075",
    "joined/image_size": 32,
}


def quiet(done, todo):
    return None


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    """Two backbones, their weights drawn at random, in a folder as they are published."""
    folder = tmp_path_factory.mktemp("joined")
    keras.utils.set_random_seed(1)
    for name, file in NAMES.items():
        backbone = build_backbone(name, image_size=(32, 32), weights=None)
        for variable in backbone.weights:
            if len(variable.shape) == 4:  # as drawn, what comes out is nearly nothing
                variable.assign(variable * 8.0)
        with h5py.File(folder / file, "w") as written:
            legacy_h5_format.save_weights_to_hdf5_group(written, backbone)
    return experiment_in(folder, **RACE, weights=str(folder))


@pytest.fixture(scope="module")
def records(experiment):
    return search_in_this_process(experiment)


def test_the_two_best_are_joined_at_the_size_of_the_best():
    probes = [
        {"probe/backbone": name, "probe/image_size": side}
        for name, side in (("b", 224), ("b", 160), ("a", 160), ("c", 96))
    ]
    joined = of_best(probes)
    assert joined == {
        "family": "joined",
        "joined/backbone": "b",
        "joined/second": "a",
        "joined/image_size": 224,
    }
    assert describe(joined) == "joined b + a, 224 px"
    assert of_best(probes[:2]) is None


def test_the_race_ends_with_the_two_joined(records):
    assert [r.values["family"] for r in records] == ["probe", "probe", "joined"]
    assert {r.status for r in records} == {COMPLETED}
    last = records[-1]
    assert {last.values["joined/backbone"], last.values["joined/second"]} == set(NAMES)
    assert (last.images, last.baseline, last.origin) == (None, True, "race")
    assert last.cross_validated is not None
    assert last.parameters > sum(r.parameters for r in records[:2]) - 10
    assert all(is_raced(r.values) for r in records)


def test_a_search_that_is_stopped_before_it_joins_goes_on_to_the_same_end(
    experiment, records, tmp_path
):
    again = elsewhere(experiment, tmp_path)
    search_in_this_process(again, StopWhen((again.run.trials / "1.json").exists))
    assert len(list(again.run.trials.glob("[0-9]*.json"))) == 2
    resumed = search_in_this_process(again)
    assert [r.values for r in resumed] == [r.values for r in records]
    assert [r.score for r in resumed] == [r.score for r in records]


def test_it_is_solved_on_the_features_of_both(experiment):
    training = ModelCache().training(experiment, JOINED, 0, quiet)
    rows = experiment.train
    found = training.feature_cache.plain(rows, quiet)[rows]
    parts = [
        ModelCache()
        .training(
            experiment,
            {"family": "probe", "probe/backbone": name, "probe/image_size": 32},
            0,
            quiet,
        )
        .feature_cache.plain(rows, quiet)[rows]
        for name in ("mobilenet_025", "mobilenet_075")
    ]
    np.testing.assert_array_equal(found, np.hstack(parts))
    layer = solve(found, experiment.targets[rows], num_classes=2)
    np.testing.assert_array_equal(training.solve().kernel, layer.kernel)


def test_the_whole_model_answers_to_images_as_the_layer_to_features(experiment):
    training = ModelCache().training(experiment, JOINED, 0, quiet)
    model = training.build()
    train_epochs(training, model, epochs=1, update=quiet, stop=NEVER)
    rows = experiment.validation
    images = experiment.pixels[rows]
    whole = training.whole(model)
    given = whole.predict(images, verbose=0)
    # Constant weights, batch normalisation folded in: other roundings, and these weights are large.
    np.testing.assert_allclose(given[:, 0], training.validate(model)[:, 1], atol=2e-3)
    assert whole.count_params() == training.parameters(model)


def test_as_a_judge_it_is_asked_about_images_whose_features_are_there(experiment):
    record = trial_record("0", 0.9, values=JOINED)
    training = _prepared(experiment, Judge(record, on_features=True), NEVER, Silent())
    features = training.inputs
    assert len(features) == len(experiment.targets)
    for rows in (experiment.train, experiment.validation, experiment.test):
        assert np.abs(features[rows]).max(axis=1).all()
