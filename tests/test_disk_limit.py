"""Searches with a disk that is too small for all images (`--disk`)."""

import fcntl
import os
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
from drawing import draw_folder
from searching import run_config
from small_trials import transfer_experiment

from data_pipeline.pixels.partly_prepared import PartlyPrepared
from search.api import plan, resume, tune
from search.api.running import environment
from search.cli import _run
from search.errors import DataGoneError, TuneError
from search.executors.ray.address import parse_cluster
from search.process.cache_use import clear_cache, use_of
from search.run_folder import images_disk
from search.run_folder.images_disk import ImagesDisk
from search.run_folder.record_files import load_records
from search.trial.experiment import Experiment
from search.trial.features.view_files import make_room
from search.tuning.planning.planned_disk import PlannedDisk

FAMILIES = {"families": "cnn", "image_size": 16, "max_epochs": 2, "algo": "random"}
SMALL = FAMILIES | {"max_trials": 2, "workers": 0, "deterministic": True}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("partly")
    draw_folder(folder / "photos", {"cat": 12, "dog": 12})
    return folder


def searched(place, name, **options):
    folders = {"results": place / "results", "cache_dir": place / name}
    return tune(place / "photos", name=name, **folders, **SMALL, **options)


@pytest.mark.usefixtures("one_number_for_one_sum")
def test_a_search_finds_the_same_with_any_disk(place, capsys):
    whole = searched(place, "whole")
    disk = {"disk": 10 * 16 * 16 * 3}
    part = searched(place, "part", **disk)
    experiment = Experiment.load(part.folder)
    assert experiment.prepared() == {(16, 16): 8}
    assert isinstance(experiment.pixels, PartlyPrepared)
    assert experiment.disk == ImagesDisk(disk["disk"])

    def results(run):
        records = load_records(run.folder)
        return [(each.values, each.history, each.score, each.best_epoch) for each in records]

    assert results(part) == results(whole)
    known = use_of(place / "part").rows[1]
    assert (known.what, known.files) == ("prepared images", 1)

    # The run goes on with what was said of the disk, unless something else is said.
    for options, prepared in (({}, 8), ({"disk": 15 * 16 * 16 * 3}, 12), ({"disk": 10**9}, 24)):
        clear_cache(place / "part")
        again = resume(part, cache_dir=place / "part", workers=0, **options)
        assert Experiment.load(again.folder).prepared() == {(16, 16): prepared}
        assert results(again) == results(whole)


def test_the_plan_says_how_many_images_are_prepared(place, capsys):
    args = ["run", place / "photos", "--dry-run", "--families", "cnn", "--image-size", "16"]
    args += ["--cache-dir", place / "planned", "--results", place / "results"]
    assert _run([*map(str, args), "--disk", "10KB"]) == 0
    said = capsys.readouterr().err
    assert "disk: 0 MB for prepared images, up to" in said
    assert "41.7 % of the images are prepared; the others are decoded" in said
    planned = plan(place / "photos", cache_dir=place / "planned", disk=10_000, **SMALL)
    assert (planned.prepared_share, planned.images_disk) == (10 / 24, 10 * 16 * 16 * 3)
    assert _run([*map(str, args)]) == 0
    assert "of the images are prepared" not in capsys.readouterr().err


def test_a_search_ends_where_a_file_is_gone_that_was_not_prepared(place, tmp_path):
    shutil.copytree(place / "photos", tmp_path / "photos")
    planned = {"results": tmp_path / "results", "cache_dir": tmp_path / "cache", "disk": 768}
    begun = []

    def lose(record):
        for path in (tmp_path / "photos").glob("*/*_1*.png"):
            path.unlink()
        begun.append(record)

    with pytest.raises(DataGoneError, match=r"_1.*\.png: unreadable.*put it back"):
        tune(tmp_path / "photos", name="lost", **planned, **SMALL, on_trial=lose)
    assert len(begun) == 1


def test_a_disk_that_is_no_size_is_refused(place, capsys):
    assert _run(["run", str(place / "photos"), "--disk", "5"]) == 2
    assert "'5' is no size" in capsys.readouterr().err


def test_on_a_cluster_all_images_are_prepared_unless_something_is_said(tmp_path):
    assert environment(tmp_path).images_disk == ImagesDisk()
    assert environment(tmp_path, disk=10**6).images_disk == ImagesDisk(10**6)
    on_cluster = replace(environment(tmp_path), cluster=parse_cluster("local:2"))
    assert on_cluster.images_disk is None
    assert replace(on_cluster, disk=10**6).images_disk == ImagesDisk(10**6)


def test_a_disk_of_nothing_is_refused_in_python(place):
    with pytest.raises(TuneError, match="expected bytes above 0"):
        tune(place / "photos", disk=0, **SMALL)


def test_images_take_four_fifths_of_the_limit_or_of_half_of_what_is_free(tmp_path, monkeypatch):
    assert ImagesDisk(1000).images(tmp_path, used=50, count=10) == 800
    assert ImagesDisk(1000).features(free=10**9, count=10) == 200
    monkeypatch.setattr(images_disk, "free_bytes", lambda path: 900)
    monkeypatch.setattr(images_disk, "RESERVE_BYTES", 100)
    assert ImagesDisk().images(tmp_path, used=100, count=10) == 400
    assert ImagesDisk().features(free=1000, count=10) == 100
    # No more than there is.
    assert ImagesDisk(10**9).images(tmp_path, used=100, count=10) == 900
    assert ImagesDisk(10**9).features(free=1000, count=10) == 900


def test_where_features_are_enough_they_have_what_they_need_and_images_the_rest(tmp_path):
    backbones = {"backbones": ("mobilenet_075", "mobilenet_v2"), "backbone_sizes": (160, 224)}
    disk = ImagesDisk.of(10**9, run_config(families=("probe", "joined"), **backbones))
    per_image = 4 * 8192  # 2048 numbers of each network at each size
    for count, features in (
        (10, 200_000_000),  # a fifth in any case
        (10_000, 10_000 * per_image),
        (10**6, 800_000_000),  # four fifths at most
    ):
        assert disk.features(free=10**10, count=count) == features
        assert disk.images(tmp_path, used=0, count=count) == 10**9 - features
    both = ImagesDisk.of(10**9, run_config(families=("probe", "transfer"), **backbones))
    assert both == ImagesDisk(10**9)


def test_a_search_of_probes_keeps_features_and_few_images(place, tmp_path):
    weights = transfer_experiment(tmp_path).config.weights
    options = {"backbones": "mobilenet_075", "image_size": 32, "backbone_sizes": 32}
    options |= {"weights": weights, "algo": "random"}
    places = {"results": tmp_path, "cache_dir": tmp_path / "cache"}
    small = 20 * 32 * 32 * 3
    planned = plan(place / "photos", families="probe", disk=small, **options, **places)
    assert planned.prepared_share == 4 / 24  # a fifth of 20
    assert planned.features_disk == 0.8 * small
    both = plan(place / "photos", families=("probe", "transfer"), disk=small, **options, **places)
    assert both.prepared_share == 16 / 24
    assert both.features_disk == 0.2 * small
    # All images are kept where these and what features need have room.
    large = 24 * (32 * 32 * 3 + 8192)
    planned = plan(place / "photos", families="probe", disk=large, **options, **places)
    assert planned.prepared_share == 1
    assert planned.features_disk == 24 * 8192


def test_the_plan_says_what_features_may_take():
    planned = PlannedDisk(2 * 10**6, 1.0, features=3 * 10**9, states=10**6, free=9 * 10**9)
    assert planned.in_words() == (
        "disk: 2 MB for prepared images, up to 3.0 GB for features of pretrained networks, "
        "up to 1 MB for training states, 9.0 GB free"
    )
    assert "features" not in planned._replace(features=0).in_words()


def test_features_keep_to_their_part(tmp_path):
    folder = tmp_path / "a.features"
    for age, name in enumerate(("new", "old")):
        path = folder / "net" / f"{name}.f32"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(8192))
        os.utime(path, (1000 - age, 1000 - age))
    other = tmp_path / "b.features" / "net" / "older.f32"
    other.parent.mkdir(parents=True)
    other.write_bytes(bytes(8192))
    files = {(8, 8): tmp_path / "a.npy"}
    experiment = SimpleNamespace(
        features=folder, disk=ImagesDisk(100_000), files=files, targets=[0] * 9
    )
    old = folder / "net" / "old.f32"
    with old.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a worker makes it
        make_room(experiment, 4096)
        assert old.exists()
        make_room(experiment, 8192)
        assert old.exists()
        assert not (folder / "net" / "new.f32").exists()
    make_room(experiment, 16384)
    assert not old.exists()
    assert other.exists()  # of other images
