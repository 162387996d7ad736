import json
import subprocess
import sys

import pytest
from made_up_search import noise, run_of

from search.insights import cached as module
from search.insights import insight
from search.insights.cached import cached_insights, fingerprint
from search.insights.findings import GoodValues, Insights
from search.process.atomic_files import read_json
from search.run_folder.records import RUNNING
from search.run_folder.schema import from_json, to_json


@pytest.fixture
def search(tmp_path):
    return run_of(tmp_path, noise(0), count=8)


def test_what_was_learnt_is_computed_once(search, monkeypatch):
    first = cached_insights(*search)
    monkeypatch.setattr(insight, "find_insights", None)
    assert first.words
    assert cached_insights(*search) == first


def test_a_new_result_is_taken_into_account_and_a_running_trial_is_not(search):
    run, records, config = search
    cached_insights(*search)
    running = records[-1].with_outcome(trial_id="0100", configuration="0100", status=RUNNING)
    assert fingerprint([*records, running]) == fingerprint(records)
    better = records[-1].with_outcome(score=0.999)
    assert cached_insights(run, [*records[:-1], better], config).families[0].best == 0.999


def test_what_another_version_wrote_is_computed_anew(search, monkeypatch):
    cached_insights(*search)
    monkeypatch.setattr(module, "VERSION", module.VERSION + 1)
    monkeypatch.setattr(insight, "find_insights", lambda *_: Insights(words=("anew",)))
    assert cached_insights(*search).words == ("anew",)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"fingerprint": 1}'])
def test_a_broken_file_is_written_anew(search, content):
    run, *_ = search
    first = cached_insights(*search)
    (run.path / "learnt.json").write_text(content)
    assert cached_insights(*search) == first
    assert len((run.path / "learnt.json").read_text()) > 1000


def test_where_it_cannot_be_written_it_is_said_all_the_same(search):
    run, *_ = search
    (run.path / "learnt.json").mkdir()  # an obstacle for the administrator too
    assert cached_insights(*search).words


@pytest.mark.parametrize("error", [ValueError("odd"), MemoryError()])
def test_what_cannot_be_computed_is_a_warning(search, monkeypatch, error):
    def broken(*_):
        raise error

    monkeypatch.setattr(insight, "find_insights", broken)
    with pytest.warns(UserWarning, match="cannot be said"):
        assert cached_insights(*search).words == ()


def test_showing_what_is_known_loads_neither_numpy_nor_optuna(search):
    run, *_ = search
    cached_insights(*search)
    code = (
        "import sys\n"
        "from search.cli import _run\n"
        f"_run(['show', '--results', {str(run.path.parent)!r}])\n"
        "print([name for name in ('numpy', 'optuna', 'keras_tuner') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert "With 8 configurations of cnn" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_what_was_learnt_comes_back_as_it_was_written(search):
    first = cached_insights(*search)
    (run, *_) = search
    written = read_json(run.insights)["learnt"]
    assert list(written) == ["families", "importance", "edges", "words", "configurations"]
    assert from_json(Insights, written, file=run.insights) == first
    assert json.dumps(to_json(first)) == json.dumps(written)
    assert to_json(GoodValues(low=0.0, high=1.0)) == {"low": 0.0, "high": 1.0}
    assert to_json(GoodValues(value=False)) == {"value": False}
