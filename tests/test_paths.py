import json
import os
import shlex
from pathlib import Path

import pytest

from search.errors import TuneError
from search.run_folder.paths import DEFAULT_RESULTS, RunFolder
from search.runs.find import exported_at, find_run, runs
from search.runs.lock import locked


def begun(results, name, age):
    run = RunFolder(results / name)
    run.trials.mkdir(parents=True)
    run.config.write_text(json.dumps({}))
    os.utime(run.config, (1000 - age, 1000 - age))
    return run


def test_runs_are_listed_newest_first_and_other_folders_left_out(tmp_path):
    old, new = begun(tmp_path, "old", age=100), begun(tmp_path, "new", age=1)
    (tmp_path / "something else").mkdir()
    (tmp_path / "another model").mkdir()
    (tmp_path / "another model" / "config.json").write_text("{}")
    begun(tmp_path, ".cats.removed", age=0)
    assert runs(tmp_path) == [new, old]
    assert find_run(tmp_path, None) == new
    assert find_run(tmp_path, "old") == old


def test_the_newest_run_is_one_that_can_be_read(tmp_path):
    old, new = begun(tmp_path, "old", age=100), begun(tmp_path, "new", age=1)
    new.config.write_text("{")
    with pytest.warns(UserWarning, match=r"config\.json: not readable as JSON .*; new is left out"):
        assert find_run(tmp_path, None) == old
    assert find_run(tmp_path, "new") == new


def test_a_folder_that_may_not_be_read_hides_no_run(tmp_path, monkeypatch):
    """As lost+found of a disk, or a run of somebody else."""
    mine = begun(tmp_path, "mine", age=1)
    (tmp_path / "lost+found").mkdir()
    real = Path.is_file

    def is_file(path):
        if path.parent.name == "lost+found":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "is_file", is_file)
    assert runs(tmp_path) == [mine]
    assert find_run(tmp_path, "mine") == mine


def test_a_run_that_is_not_there_is_answered_with_those_that_are(tmp_path):
    begun(tmp_path, "cats", age=1)
    with pytest.raises(TuneError, match=r"no run named 'dogs' in .*; there are: cats"):
        find_run(tmp_path, "dogs")


@pytest.mark.parametrize("name", [None, "cats"])
def test_no_runs_at_all_is_answered_with_how_to_start_one(tmp_path, name):
    with pytest.raises(TuneError, match=r"no runs here; start one with 'tune run DATA'"):
        find_run(tmp_path / "results", name)


def test_a_run_is_found_by_its_folder_and_by_its_export_too(tmp_path, monkeypatch):
    run = begun(tmp_path / "results", "cats", age=1)
    run.export.mkdir()
    monkeypatch.chdir(tmp_path)
    for name in ("results/cats", "results/cats/", str(run.path), "results/cats/export"):
        assert find_run(tmp_path / "results", name).path.resolve() == run.path
        assert find_run(tmp_path / "elsewhere", name).path.resolve() == run.path


def test_a_model_is_found_by_the_name_of_its_run(tmp_path, monkeypatch):
    run = begun(tmp_path / "results", "cats", age=1)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        TuneError, match=r"cats: has no exported model yet; .*'tune export-best cats'"
    ):
        exported_at("cats")
    run.export.mkdir()
    (run.export / "model.keras").touch()
    for name in ("cats", "results/cats", str(run.path)):
        assert exported_at(name).endswith("results/cats/export")
    for name in ("results/cats/export", "results/cats/export/model.keras", "imagenet:mobilenet"):
        assert exported_at(name) == name
    with pytest.raises(TuneError, match="dogs: no such model"):
        exported_at("dogs")


@pytest.mark.parametrize("results", [DEFAULT_RESULTS, Path("my runs"), Path("results/older")])
def test_what_a_message_says_to_give_as_run_finds_that_run(tmp_path, monkeypatch, results):
    monkeypatch.chdir(tmp_path)
    begun(DEFAULT_RESULTS, "dogs", age=1)
    run = begun(results, "cats", age=100)
    (word,) = shlex.split(run.argument)
    assert find_run(DEFAULT_RESULTS, word) == run
    assert (word == "cats") == (results == DEFAULT_RESULTS)


def test_a_run_that_was_gone_on_with_is_the_newest(tmp_path):
    old, new = begun(tmp_path, "old", age=100), begun(tmp_path, "new", age=1)
    with locked(old):
        assert runs(tmp_path) == [old, new]
    os.utime(old.path / "lock", (950, 950))
    assert runs(tmp_path) == [new, old]
