import json
import os

import pytest

from search.errors import TuneError
from search.run_folder.paths import RunFolder, find_run, runs


def begun(results, name, age):
    run = RunFolder(results / name)
    run.path.mkdir(parents=True)
    run.config.write_text(json.dumps({}))
    os.utime(run.config, (1000 - age, 1000 - age))
    return run


def test_runs_are_listed_newest_first_and_other_folders_left_out(tmp_path):
    old, new = begun(tmp_path, "old", age=100), begun(tmp_path, "new", age=1)
    (tmp_path / "something else").mkdir()
    assert runs(tmp_path) == [new, old]
    assert find_run(tmp_path, None) == new
    assert find_run(tmp_path, "old") == old


def test_the_newest_run_is_one_that_can_be_read(tmp_path):
    old, new = begun(tmp_path, "old", age=100), begun(tmp_path, "new", age=1)
    new.config.write_text("{")
    with pytest.warns(UserWarning, match=r"config\.json: not readable as JSON .*; new is left out"):
        assert find_run(tmp_path, None) == old
    assert find_run(tmp_path, "new") == new


def test_a_run_that_is_not_there_is_answered_with_those_that_are(tmp_path):
    begun(tmp_path, "cats", age=1)
    with pytest.raises(TuneError, match=r"no run named 'dogs' in .*; there are: cats"):
        find_run(tmp_path, "dogs")


@pytest.mark.parametrize("name", [None, "cats"])
def test_no_runs_at_all_is_answered_with_how_to_start_one(tmp_path, name):
    with pytest.raises(TuneError, match=r"no runs here; start one with 'tune run DATA'"):
        find_run(tmp_path / "results", name)
