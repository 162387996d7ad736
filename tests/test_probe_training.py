"""Probes, from the race to what is fine-tuned from them."""

import shutil
from dataclasses import replace
from functools import partial

import keras_tuner
import numpy as np
import pytest
from small_trials import (
    elsewhere,
    fresh,
    go_on,
    run_trial,
    search_in_this_process,
    transfer_experiment,
)
from stopping import NEVER, StopWhen

from models.known_good import baseline_values
from search.algorithms.registry import make_oracle
from search.formats.cost import Costs
from search.process.progress import Silent
from search.run_folder.budget import Budget
from search.run_folder.config import objective_of
from search.run_folder.paths import RunFolder
from search.run_folder.ranking import best_first
from search.run_folder.record_files import load_records
from search.run_folder.records import COMPLETED
from search.selection.choice import choose
from search.selection.finalists import train_again
from search.trial.features import probe_training
from search.trial.model_cache import ModelCache

RACE = {
    "families": ("probe", "transfer"),
    "backbone_sizes": (32, 48),
    "largest_side": 32,
    "race_images": (8,),
    "algo": "random",
    "max_trials": 3,
    "max_epochs": 2,
    "compact": True,
}


@pytest.fixture(scope="module")
def raced(tmp_path_factory):
    """A search that began with a race, and its records."""
    experiment = transfer_experiment(tmp_path_factory.mktemp("raced"), **RACE)
    return experiment, search_in_this_process(experiment)


def quiet(done, todo):
    return None


def test_a_search_begins_with_probes_on_few_images(raced):
    experiment, records = raced
    probes = [record for record in records if record.values["family"] == "probe"]
    assert [(p.values["probe/image_size"], p.images) for p in probes[:2]] == [(32, 8), (48, 8)]
    assert {p.images for p in probes[2:]} == {None}
    assert {record.status for record in records} == {COMPLETED}
    assert len(records) - len(probes) == 3
    assert all(p.baseline and len(p.history) == 1 for p in probes)
    assert {p.configuration for p in probes} == {"0", "1"}
    whole = [experiment.run.predictions(p.trial_id).exists() for p in probes]
    assert whole == [False, False, True, True]
    ranked = best_first(records, objective_of(experiment.config))
    assert all(record.images is None for record in ranked)


def test_what_is_known_to_be_good_stands_on_the_winner(raced):
    _, records = raced
    others = [record for record in records if record.values["family"] == "transfer"]
    finals = [r for r in records if r.values["family"] == "probe" and r.images is None]
    best = max(finals, key=lambda r: (r.cross_validated, -r.history[0]["val_loss"]))
    assert [bool(r.values["transfer/unfreeze"]) for r in others] == [True, True, False]
    assert others[0].values["transfer/image_size"] == 32
    head = others[2].values
    assert head["transfer/image_size"] == best.values["probe/image_size"]


def test_a_search_that_is_stopped_in_its_race_goes_on_to_the_same_end(raced, tmp_path):
    _, records = raced
    experiment = transfer_experiment(tmp_path, **RACE)
    search_in_this_process(experiment, StopWhen((experiment.run.trials / "2.json").exists))
    assert len(list(experiment.run.trials.glob("[0-9]*.json"))) < len(records)
    # Until the first that follows on the race has ended: its values come from the winner.
    search_in_this_process(experiment, StopWhen((experiment.run.trials / "5.json").exists))
    again, known = load_records(experiment.run), records[:5]
    assert [r.values for r in again[:5]] == [r.values for r in known]
    assert [r.score for r in again[:5]] == [r.score for r in known]


def torn(experiment, folder):
    """The oracle of a copy of a run whose state is broken, made again from its records."""
    run = RunFolder(folder / "run")
    shutil.copytree(experiment.run.path, run.path)
    space = keras_tuner.HyperParameters()
    space.Choice("transfer/backbone", ["mobilenet_075", "xception"])
    (run.path / "oracle" / "oracle.json").write_text("{ torn")
    with pytest.warns(UserWarning, match="broken state"):
        return make_oracle(
            experiment.config,
            space,
            baselines=[],
            baselines_on=partial(baseline_values, experiment.classifier),
            directory=run.path,
        )


def test_a_broken_state_is_made_again_with_the_race_decided(raced, tmp_path):
    experiment, records = raced
    oracle = torn(experiment, tmp_path)
    assert oracle.race is None
    given = [record.values for record in records if record.values["family"] == "transfer"]
    assert oracle.baselines[: len(given)] == given
    assert len(oracle.trials) == len(records)
    searched = {entry.name: entry for entry in oracle.hyperparameters.space}
    assert searched["transfer/backbone"].values == ["mobilenet_075"]


def test_after_a_race_a_bracket_has_a_place_for_each_baseline_again(raced, tmp_path):
    experiment, records = raced
    config = replace(experiment.config, algo="hyperband")
    experiment = replace(experiment, config=config, run=RunFolder(tmp_path / "hyperband"))
    shutil.copytree(raced[0].run.path, experiment.run.path)
    for path in experiment.run.trials.glob("[0-9]*"):
        path.unlink()
    probes = [record for record in records if record.values["family"] == "probe"]
    winners = [record.values for record in probes[-2:]]
    baselines = baseline_values(experiment.classifier, winners)
    for number, values in enumerate(baselines, start=len(probes)):
        name = str(number)
        probes.append(records[-1].with_outcome(trial_id=name, configuration=name, values=values))
    for record in probes:
        record.save(experiment.run)
    oracle = torn(experiment, tmp_path)
    (bracket,) = oracle._brackets
    assert len(bracket["rounds"][0]) == len(baselines)


def test_a_probe_is_not_trained_again_with_another_seed(raced, tmp_path):
    experiment = elsewhere(raced[0], tmp_path)
    shutil.copytree(raced[0].run.path, experiment.run.path)
    _, _, _, probe, head, *_ = raced[1]
    finalists = train_again(
        experiment, [probe, head], seeds=2, stop=NEVER, progress=Silent(), within=0.01
    )
    assert [len(finalist.predictions) for finalist in finalists] == [1, 2]
    kept = np.load(experiment.run.predictions(probe.trial_id))
    np.testing.assert_array_equal(finalists[0].predictions[0], kept)


def test_other_labels_are_solved_anew(raced):
    experiment, records = raced
    probe = next(r for r in records if r.values["family"] == "probe")
    turned = replace(experiment, targets=1 - experiment.targets)
    first, second = (
        ModelCache().training(each, probe.values, 0, quiet).solve() for each in (experiment, turned)
    )
    np.testing.assert_allclose(first.kernel, -second.kernel, atol=1e-4)


def test_a_search_of_probes_alone_ends_with_the_race(tmp_path):
    experiment = transfer_experiment(tmp_path, **RACE | {"families": ("probe",)})
    records = search_in_this_process(experiment)
    assert [record.rung for record in records] == [0, 0, 1, 1]


def test_what_is_fine_tuned_starts_as_the_probe_and_ends_as_a_whole_model(raced):
    experiment, records = raced
    tuned = next(r for r in records if r.values.get("transfer/unfreeze"))
    cache = ModelCache()
    training = cache.training(experiment, tuned.values, 0, quiet)
    probe = {"family": "probe", "probe/backbone": "mobilenet_075", "probe/image_size": 32}
    solved = cache.training(experiment, probe, 0, quiet)
    model, of_probe = training.build(), solved.build()
    solved.fit(of_probe, initial_epoch=0, epochs=1, callbacks=[])
    np.testing.assert_allclose(training.validate(model), solved.validate(of_probe), atol=1e-4)
    training.compile(model)
    training.fit(model, initial_epoch=0, epochs=1, callbacks=[])
    pixels = experiment.pixels[experiment.validation]
    found = training.whole(model).predict(pixels, verbose=0)[:, 0]
    # Processors differ in how they add up: up to 1.1e-4 was seen.
    np.testing.assert_allclose(found, training.validate(model)[:, 1], atol=1e-3)


def test_a_probe_gives_the_same_whatever_its_seed(raced, tmp_path):
    _, records = raced
    experiment = transfer_experiment(tmp_path, **RACE | {"seed": 9})
    first = next(r for r in records if r.values["family"] == "probe" and r.images is None)
    again = run_trial(experiment, fresh(values=first.values), go_on)
    assert again.history[0]["val_loss"] == pytest.approx(first.history[0]["val_loss"], abs=1e-5)


@pytest.mark.parametrize("images", [4, 9])
def test_a_part_has_every_class_and_a_larger_one_holds_it(raced, images):
    experiment, _ = raced
    part, more = experiment.part(images), experiment.part(images + 3)
    assert set(part.train) <= set(more.train) <= set(experiment.train)
    assert len(part.train) == images
    counts = np.bincount(experiment.targets[part.train])
    assert abs(counts[0] - counts[1]) <= 1
    np.testing.assert_array_equal(experiment.part(images).train, part.train)
    assert len(part.validation) == min(images, len(experiment.validation))


def probe_of(experiment):
    values = {"family": "probe", "probe/backbone": "mobilenet_075", "probe/image_size": 32}
    return ModelCache().training(experiment, values, 0, quiet)


def test_a_probe_is_judged_on_all_images_but_those_to_test_on(raced):
    experiment, records = raced
    probes = [record for record in records if record.values["family"] == "probe"]
    assert all(0 <= probe.cross_validated <= 1 for probe in probes)
    training = probe_of(experiment)
    value = training.cross_validated()
    same = [p for p in probes if p.images is None and p.values["probe/image_size"] == 32]
    assert [probe.cross_validated for probe in same] == [value]
    images = len(experiment.train) + len(experiment.validation)
    assert value * images == pytest.approx(round(value * images))


def test_a_probe_is_not_cross_validated_where_validation_is_given_or_large(raced, monkeypatch):
    experiment, _ = raced
    assert probe_of(replace(experiment, groups=None)).cross_validated() is None
    monkeypatch.setattr(probe_training, "ENOUGH", len(experiment.validation))
    assert probe_of(experiment).cross_validated() is None


def test_copies_of_one_image_are_never_in_two_folds(raced, monkeypatch):
    experiment, _ = raced
    seen = []

    def note(features, targets, fold_of, *, num_classes):
        seen.append(fold_of)
        return np.eye(num_classes, dtype=np.float32)[targets]

    monkeypatch.setattr(probe_training, "out_of_fold", note)
    pairs = np.arange(len(experiment.targets)) // 2
    assert probe_of(replace(experiment, groups=pairs)).cross_validated() == 1.0
    rows = np.sort(np.concatenate([experiment.train, experiment.validation]))
    for number in np.unique(pairs[rows]):
        assert len(set(seen[0][pairs[rows] == number])) == 1


@pytest.mark.parametrize("best", [0, 1])
def test_the_race_goes_by_what_was_cross_validated(raced, tmp_path, best):
    experiment, records = raced
    finals = [r for r in records if r.values["family"] == "probe" and r.images is None]
    run = RunFolder(tmp_path / "other" / "run")
    shutil.copytree(experiment.run.path, run.path)
    for number, record in enumerate(finals):
        changed = {**record.history[0], "cross_validated": 0.9 if number == best else 0.1}
        record.with_outcome(history=[changed]).save(run)
    given = torn(replace(experiment, run=run), tmp_path).baselines
    heads = [values for values in given if not values["transfer/unfreeze"]]
    assert heads[0]["transfer/image_size"] == finals[best].values["probe/image_size"]


def test_what_a_race_that_was_cut_short_has_found_can_be_exported(tmp_path):
    experiment = transfer_experiment(tmp_path, **RACE)
    search_in_this_process(experiment, StopWhen((experiment.run.trials / "1.json").exists))
    records = load_records(experiment.run)
    assert {record.images for record in records} == {8}
    costs = Costs(experiment, ("keras",), stop=NEVER, progress=Silent())
    found = choose(
        experiment,
        costs,
        budget=Budget(),
        top=3,
        seeds=0,
        cheaper_within=0.01,
        stop=NEVER,
        progress=Silent(),
    )
    assert len(found.finalists) == 1
    assert found.predictions.shape == (1, len(experiment.validation), 2)


def test_a_probe_is_trained_again_whose_features_are_gone(raced):
    """To make room for others, or with the cache; what was solved is kept apart."""
    experiment, records = raced
    probe = next(r for r in records if r.values["family"] == "probe" and r.images is None)
    rows = np.concatenate([experiment.train, experiment.validation])
    both = replace(experiment, train=rows, validation=rows[:0])
    solved = ModelCache().training(both, probe.values, 0, quiet)
    layer = solved.solve()
    for path in solved.feature_cache.folder.glob("plain*"):
        path.unlink()
    again = ModelCache().training(both, probe.values, 0, quiet)
    model = again.build()
    again.fit(model, initial_epoch=0, epochs=1, callbacks=[])
    found = ModelCache().training(both, probe.values, 0, quiet).solve()
    np.testing.assert_array_equal(found.kernel, layer.kernel)


def test_what_is_solved_is_for_as_many_classes_and_for_others_too(raced):
    experiment, records = raced
    probe = next(r for r in records if r.values["family"] == "probe")
    more = replace(experiment, class_names=(*experiment.class_names, "of no image to train on"))
    two, three = (
        ModelCache().training(each, probe.values, 0, quiet) for each in (experiment, more)
    )
    assert two.solve().bias.shape != three.solve().bias.shape
    assert (
        two.solve().bias.shape
        == ModelCache().training(experiment, probe.values, 0, quiet).solve().bias.shape
    )
