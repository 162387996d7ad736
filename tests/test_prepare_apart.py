"""Images that are prepared in a process of their own."""

import multiprocessing

import pytest
from drawing import draw_folder
from recorded_progress import Recorded
from searching import run_config

from data_pipeline.catalog.cache import is_known
from data_pipeline.errors import DataError
from models.families import registry
from search.errors import TuneError
from search.run_folder.images_disk import ImagesDisk
from search.run_folder.paths import RunFolder
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


class Watched(Recorded):
    """A sink that does something when it is told how far a task is."""

    def __init__(self, do):
        super().__init__()
        self.do = do

    def update(self, done, total, description=None):
        self.do()


def test_many_files_are_those_from_a_number_on(photos, tmp_path, monkeypatch):
    for number, many in ((18, True), (19, True), (20, False)):
        monkeypatch.setattr(prepare_apart, "MANY_FILES", number)
        assert has_many_files(photos) is many
    assert not has_many_files(tmp_path / "absent")


def test_what_is_prepared_and_said_is_the_same_as_in_this_process(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_own", {})
    registry.register_name("Wide")  # as who reads the run's configuration does
    said, written = [], []
    for name, way in (("here", prepare_data), ("apart", prepare)):
        run, sink = RunFolder(tmp_path / name), Recorded()
        # A family of the user's, of which that process knows the name alone.
        own = {"families": ("cnn", "Wide"), "own_families": (("Wide", "0" * 64),)}
        config = run_config(data=str(photos), **own)
        way(run, config, cache_dir=tmp_path / "cache", disk=ImagesDisk(10**9), progress=sink)
        said.append((sink.lines, sink.tasks))
        files = sorted(path for path in run.path.rglob("*") if path.is_file())
        written.append({path.relative_to(run.path): path.read_bytes() for path in files})
    assert said[0] == said[1]
    assert said[0][1] != []
    assert written[0] == written[1]
    assert RunFolder(tmp_path / "apart").splits.exists()
    assert multiprocessing.active_children() == []


def test_what_is_wrong_is_raised_here(photos, tmp_path):
    places = {"cache_dir": tmp_path / "cache", "progress": Recorded()}
    for path in photos.glob("*/*"):
        path.write_bytes(b"no image")
    with pytest.raises(DataError, match="none of 19 files is a usable image"):
        prepare(RunFolder(tmp_path / "run"), run_config(data=str(photos)), **places)


def test_a_process_that_is_killed_is_an_error_and_not_the_end_of_this_one(photos, tmp_path):
    def kill():
        for process in multiprocessing.active_children():
            process.kill()

    places = {"cache_dir": tmp_path / "cache", "progress": Watched(kill)}
    with pytest.raises(TuneError, match=r"ended from outside \(exit status -9\)"):
        prepare(RunFolder(tmp_path / "run"), run_config(data=str(photos)), **places)


def test_on_ctrl_c_the_process_saves_its_checks_and_ends(photos, tmp_path):
    def interrupt():
        raise KeyboardInterrupt

    places = {"cache_dir": tmp_path / "cache", "progress": Watched(interrupt)}
    with pytest.raises(KeyboardInterrupt):
        prepare(RunFolder(tmp_path / "run"), run_config(data=str(photos)), **places)
    assert multiprocessing.active_children() == []
    assert is_known(photos, tmp_path / "cache")
