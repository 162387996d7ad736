"""What a node keeps, what it sees of the driver's disk, and what it is sent. Ray is not needed."""

import json
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from searching import run_config

from data_pipeline.decoding.hashes import content_hash
from search.executors.ray import node_agent
from search.executors.ray.desk import Desk
from search.executors.ray.files.pieces import PieceError, manifest_of
from search.executors.ray.files.run_files import RunFiles, adapted, linked
from search.executors.ray.node_agent import (
    APART,
    HERE,
    KEPT_SECONDS,
    SHARED,
    NodeAgent,
)
from search.executors.ray.versions import differing, installed_versions, machine_id
from search.process.atomic_files import write_array, write_arrays, write_json
from search.run_folder.config import RunConfig
from search.run_folder.images import Images
from search.run_folder.paths import RunFolder


@pytest.fixture
def agent(tmp_path, monkeypatch):
    monkeypatch.setenv(node_agent.CACHE_VARIABLE, str(tmp_path / "node"))
    return NodeAgent()


@pytest.fixture
def token(tmp_path):
    path = tmp_path / "driver" / ".token"
    path.parent.mkdir()
    path.write_text("4711")
    return path


def test_a_disk_is_shared_where_the_token_of_the_driver_is_there(agent, token, monkeypatch):
    assert agent.look(token, "4711", machine_id()).disk == HERE
    assert agent.look(token, "4711", "another machine").disk == SHARED
    assert agent.look(token, "of another search", machine_id()).disk == APART
    assert agent.look(token.with_name("absent"), "4711", machine_id()).disk == APART
    monkeypatch.setenv(node_agent.SHARED_VARIABLE, "0")
    assert agent.look(token, "4711", "another machine").disk == APART


def test_a_node_keeps_its_files_in_a_folder_of_its_own(agent, token, tmp_path):
    apart = agent.look(token, "another", machine_id())
    assert apart.cache == tmp_path / "node" / "nodes" / os.uname().nodename
    here = agent.look(token, "4711", machine_id())
    assert here.cache.parent.parent == token.parent, "where the driver keeps its own"


def test_a_file_of_a_shared_disk_is_linked_and_features_beside_it_are_the_node_s_own(
    agent, token, tmp_path
):
    cache = agent.look(token, "4711", "another machine").cache
    pixels = tmp_path / "driver" / "pixels.npy"
    pixels.write_bytes(b"pixels")
    features = tmp_path / "driver" / "plain.f32"
    features.write_bytes(b"features")
    agent.link("prepared/pixels.npy", pixels)
    agent.link("prepared/pixels.npy", pixels)
    agent.copy("prepared/pixels.features/net/plain.f32", features)
    link = cache / "prepared" / "pixels.npy"
    assert link.is_symlink()
    assert link.read_bytes() == b"pixels"
    own = link.with_suffix(".features") / "net" / "plain.f32"
    own.write_bytes(b"more rows")
    agent.copy("prepared/pixels.features/net/plain.f32", features)
    assert own.read_bytes() == b"more rows", "what the node has added stays"
    assert features.read_bytes() == b"features"


def test_features_that_a_node_has_are_not_sent(agent, token, tmp_path):
    cache = agent.look(token, "another", machine_id()).cache
    source = tmp_path / "plain.f32"
    source.write_bytes(b"features")
    assert agent.missing("a/plain.f32", manifest_of(source), grows=True) == [0]
    agent.take("a/plain.f32", 0, b"features")
    agent.finish("a/plain.f32")
    (cache / "a" / "plain.f32").write_bytes(b"more rows")
    assert agent.missing("a/plain.f32", manifest_of(source), grows=True) == []
    assert agent.missing("a/plain.f32", manifest_of(source)) == [0]


def test_an_agent_that_was_begun_anew_asks_for_the_file_again(agent):
    with pytest.raises(PieceError, match="has begun anew"):
        agent.take("a/plain.f32", 0, b"features")


def test_what_killed_searches_have_left_is_deleted_after_a_week(agent, token):
    cache = agent.look(token, "another", machine_id()).cache
    old, new = cache / "runs" / "old", cache / "runs" / "new"
    for folder in (old, new):
        folder.mkdir(parents=True)
    before = old.stat().st_mtime - KEPT_SECONDS - 1
    os.utime(old, (before, before))
    agent.look(token, "another", machine_id())
    assert (old.exists(), new.exists()) == (False, True)
    agent.clear("new")
    assert not new.exists()


def test_a_node_with_another_tensorflow_is_told_from_one_with_the_same():
    mine = installed_versions()
    assert {"Python", "tensorflow", "keras", "numpy"} <= mine.keys()
    assert differing(mine, mine) == ""
    assert differing(mine, mine | {"keras": "2.0"}) == f"keras 2.0 (here {mine['keras']})"
    without = {name: each for name, each in mine.items() if name != "tensorflow"}
    assert differing(mine, without).startswith("tensorflow missing")


@pytest.fixture
def run(tmp_path):
    """A run whose pixels, weights and features lie in a folder of the driver."""
    folder = tmp_path / "cache"
    weights = tmp_path / "own.weights.h5"
    weights.write_bytes(b"weights")
    features = folder / "prepared" / "ab-32x32.features"
    for name in ("mobilenet_075-32x32-1", "xception-32x32-1"):
        (features / name).mkdir(parents=True)
        for file in ("plain.f32", "plain.rows", "about.json"):
            (features / name / file).touch()
    np.save(folder / "prepared" / "ab-32x32.npy", np.zeros((4, 32, 32, 3), np.uint8))
    run = RunFolder(tmp_path / "run")
    run_config(
        families=("transfer",),
        backbones=("mobilenet_075",),
        image_size=(32, 32),
        weights=str(weights),
    ).save(run)
    summary = {"root": "/photos", "fingerprint": "made up", "labels": ["a", "b"], "pictures": 4}
    splits = {"train": 2, "validation": 1, "test": 1}
    pixels = str(folder / "prepared" / "ab-32x32.npy")
    write_json(run.data, summary | {"set_aside": 0, "pixels": pixels, "splits": splits})
    write_array(run.targets, [0, 1, 0, 1])
    write_arrays(run.splits, train=[0, 1], validation=[2], test=[3])
    run.families.mkdir()
    (run.families / "Wide.py").write_text("")
    return run


def test_a_node_is_told_what_the_run_needs_and_finds_it_at_its_own_places(run):
    files = RunFiles.of(run)
    assert files.small.keys() == {
        *("config.json", "data.json", "splits.npz", "targets.npy", "families/Wide.py")
    }
    places = [file.place for file in files.large]
    features = "prepared/ab-32x32.features/mobilenet_075-32x32-1"
    assert places[0] == "prepared/ab-32x32.npy"
    assert places[2:] == [
        f"{features}/{name}" for name in ("about.json", "plain.f32", "plain.rows")
    ]
    small = adapted(files, Path("/cache"))
    assert json.loads(small["data.json"])["pixels"] == "/cache/prepared/ab-32x32.npy"
    weights = json.loads(small["config.json"])["weights"]
    assert weights == f"/cache/{places[1]}"
    assert weights.endswith("/own.weights.h5")
    assert RunConfig.load(run).weights != weights, "the run itself stays as it is"
    assert linked(files, Path("/cache")) == {}


@pytest.fixture
def partly(run, tmp_path):
    """The same run where two of its four images are prepared, and the folder of its photos."""
    data = json.loads(run.data.read_text())
    pixels = Path(data["pixels"])
    part = pixels.with_name("ab-32x32.first2")
    pixels.unlink()
    with part.open("wb") as file:
        np.save(file, np.zeros((2, 32, 32, 3), np.uint8))
    photos = tmp_path / "photos"
    photos.mkdir()
    names = [f"{number}.jpg" for number in range(4)]
    for name in names:
        (photos / name).write_bytes(name.encode())
    Images(
        root=photos,
        paths=names,
        formats=["JPEG"] * 4,
        sizes=np.ones((4, 2), np.int32),
        pixel_hashes=["0" * 32] * 4,
        content_hashes=[content_hash(name.encode()) for name in names],
    ).save(run)
    return run, photos


def test_where_not_all_images_are_prepared_a_node_gets_their_list_and_has_to_see_the_others(
    partly, agent
):
    run, photos = partly
    files = RunFiles.of(run)
    assert [file.place for file in files.pixels] == ["prepared/ab-32x32.first2"]
    small = adapted(files, Path("/cache"))
    assert json.loads(small["data.json"])["pixels"] == "/cache/prepared/ab-32x32.first2"
    images = files.photos.images
    assert images.path == run.images
    assert images.place.startswith("prepared/ab-32x32.")
    assert images in files.large
    assert linked(files, Path("/cache")) == {"images.columns": Path("/cache") / images.place}
    assert linked(files, None) == {"images.columns": run.images}
    some = files.photos.some
    assert [path.name for path in some] == ["2.jpg", "3.jpg"]
    assert agent.unseen(some) is None
    (photos / "3.jpg").unlink()
    assert agent.unseen(some) == photos / "3.jpg"


def test_the_list_of_the_same_photos_in_another_folder_is_another_file(partly):
    run, photos = partly
    place = RunFiles.of(run).photos.images.place
    replace(Images.load(run), root=photos.with_name("elsewhere")).save(run)
    assert RunFiles.of(run).photos.images.place != place


def test_files_are_gathered_again_where_more_images_have_been_prepared(partly):
    """Another search has replaced the file that a machine which joins later would be sent."""
    run, _ = partly
    desk = Desk(ray=None, settings=SimpleNamespace(run=run), token=None)
    desk.gather_files()
    part = desk.files().pixels[0].path
    larger = part.with_name("ab-32x32.first3")
    with larger.open("wb") as file:
        np.save(file, np.zeros((3, 32, 32, 3), np.uint8))
    assert desk.files().pixels[0].path == part
    part.unlink()
    assert desk.files().pixels[0].path == larger
    assert [path.name for path in desk.files().photos.some] == ["3.jpg"]


def test_the_driver_knows_whether_a_photo_is_as_it_was(partly):
    run, photos = partly
    images = Images.load(run)
    path = photos / "2.jpg"
    assert images.has(str(path))
    assert not images.has(str(photos / "other.jpg"))
    path.write_bytes(b"another")
    assert not images.has(str(path))
    path.unlink()
    assert not images.has(str(path))


def test_weights_of_imagenet_come_from_the_cache_of_keras(run, tmp_path, monkeypatch):
    home = tmp_path / "keras"
    names = ("mobilenet_7_5_224_tf_no_top.h5", "mobilenet_7_5_128_tf_no_top.h5", "others.h5")
    (home / "models").mkdir(parents=True)
    for name in names:
        (home / "models" / name).touch()
    (home / "keras.json").write_text("{}")
    monkeypatch.setenv("KERAS_HOME", str(home))
    values = json.loads(run.config.read_text()) | {"weights": "imagenet"}
    run.config.write_text(json.dumps(values))
    files = RunFiles.of(run)
    assert {file.place for file in files.weights} == {
        *(f"keras/models/{name}" for name in names[:2]),
        "keras/keras.json",
    }
    assert json.loads(adapted(files, Path("/cache"))["config.json"])["weights"] == "imagenet"
