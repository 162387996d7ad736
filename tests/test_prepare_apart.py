"""Images that are prepared in a process of their own, as there are many."""

import multiprocessing

import pytest
from drawing import draw_folder
from recorded_progress import Recorded
from searching import run_config

from data_pipeline.catalog.cache import is_known
from data_pipeline.errors import DataError
from models.families import registry
from search.run_folder.images_disk import ImagesDisk
from search.run_folder.paths import RunFolder
from search.tuning.planning.image_sizes import image_sizes
from search.tuning.preparation import prepare_apart
from search.tuning.preparation.prepare_apart import has_many_files, prepare
from search.tuning.preparation.prepare_data import prepare_data


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch):
    monkeypatch.setattr(prepare_apart, "MANY_FILES", 5)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    draw_folder(folder, {"cat": 9, "dog": 9})
    (folder / "cat" / "broken.png").write_bytes(b"no image")
    return folder


def test_many_files_are_those_from_a_number_on(photos, tmp_path, monkeypatch):
    for number, many in ((18, True), (19, True), (20, False)):
        monkeypatch.setattr(prepare_apart, "MANY_FILES", number)
        assert has_many_files(photos) is many
    assert not has_many_files(tmp_path / "absent")
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "cat").symlink_to(photos / "cat")
    monkeypatch.setattr(prepare_apart, "MANY_FILES", 5)
    assert not has_many_files(linked)
    assert has_many_files(linked, follow_links=True)


def test_what_is_prepared_and_said_is_the_same_as_in_this_process(
    photos, tmp_path, monkeypatch, capfd
):
    monkeypatch.setattr(registry, "_own", {})
    registry.register_name("Wide")  # as who reads the run's configuration does
    own = {"families": ("cnn", "Wide"), "own_families": (("Wide", "0" * 64),)}
    config = run_config(data=str(photos), **own)
    said, written = [], []
    for name, way in (("here", prepare_data), ("apart", prepare)):
        run, sink, cache = RunFolder(tmp_path / name), Recorded(), tmp_path / f"{name}-cache"
        way(run, config, cache_dir=cache, disk=ImagesDisk(10**9), progress=sink)
        said.append((sink.lines, sink.tasks))
        files = sorted(path for path in run.path.rglob("*") if path.is_file())
        written.append(
            {
                path.name: path.read_bytes().replace(bytes(cache), b"CACHE")
                for path in [*files, *(cache / "prepared").glob("*.npy")]
            }
        )
    assert said[0] == said[1]
    assert said[0][1] != []
    assert written[0] == written[1]
    assert {"splits.npz", "data.json"} < written[0].keys()
    assert multiprocessing.active_children() == []
    assert capfd.readouterr().err == ""


def test_what_is_wrong_is_raised_here(photos, tmp_path):
    places = {"cache_dir": tmp_path / "cache", "progress": Recorded()}
    for path in photos.glob("*/*"):
        path.write_bytes(b"no image")
    with pytest.raises(DataError, match="none of 19 files is a usable image"):
        prepare(RunFolder(tmp_path / "run"), run_config(data=str(photos)), **places)


def test_on_ctrl_c_what_was_checked_is_kept(photos, tmp_path):
    class Interrupting(Recorded):
        def update(self, done, total, description=None):
            raise KeyboardInterrupt

    places = {"cache_dir": tmp_path / "cache", "progress": Interrupting()}
    with pytest.raises(KeyboardInterrupt):
        prepare(RunFolder(tmp_path / "run"), run_config(data=str(photos)), **places)
    assert multiprocessing.active_children() == []
    assert is_known(photos, tmp_path / "cache")


def test_the_sizes_of_many_images_are_looked_at_elsewhere_too(photos, tmp_path, monkeypatch):
    options = {"on_gpu": False, "cache_dir": tmp_path / "cache"}
    sink = Recorded()
    apart = image_sizes({}, photos, **options, progress=sink)
    assert sink.tasks == ["looking at the sizes of the images"]
    monkeypatch.setattr(prepare_apart, "MANY_FILES", 50)
    sink = Recorded()
    assert image_sizes({}, photos, **options, progress=sink) == apart
    assert sink.tasks == []
