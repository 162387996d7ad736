"""`tune run` and `tune train` from the command line to the workers; nothing here trains."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from searching import run_config

from search.cli import _run
from search.errors import TuneError
from search.executors import workers_for as workers_module
from search.executors.worker_pool import WorkerLimits
from search.executors.workers_for import MEMORY_SHARE
from search.observers.pace import Pace
from search.process.machine.memory import machine_memory
from search.process.stop_signal import StopSignal
from search.run_folder.data import load_splits
from search.run_folder.paths import RunFolder
from search.runs.lock import locked
from search.trial.step_time import StepTime
from search.tuning import new_run
from search.tuning import run as running
from search.tuning.environment import RunEnvironment
from search.tuning.planning import plan_time
from search.tuning.run import resume, start
from search.tuning.time_to_export import TimeToExport


@pytest.fixture
def made(monkeypatch):
    """The arguments of the workers that a command would begin; it ends there."""
    found = []

    def workers(run, *, devices, limits):
        found.append((run, devices, limits))
        raise TuneError("no further: this is a test")

    monkeypatch.setattr(workers_module, "Workers", workers)
    return found


@pytest.fixture
def results(tmp_path):
    begun = RunFolder(tmp_path / "results" / "begun")
    run_config().save(begun)
    begun.trials.mkdir()
    return tmp_path / "results"


def words_of(command, photos):
    return {
        "run": ["run", str(photos)],
        "train": ["train", str(photos), "--preset", "student-cnn"],
        "resume": ["run", "--resume", "begun"],
    }[command]


@pytest.mark.parametrize("command", ["run", "train", "resume"])
@pytest.mark.parametrize(("options", "silence"), [([], 600.0), (["--trial-timeout", "7s"], 7.0)])
def test_a_trial_may_be_silent_as_long_as_was_asked(
    command, options, silence, made, results, photos, capsys
):
    assert _run([*words_of(command, photos), *options, "--results", str(results)]) == 1
    assert "no further" in capsys.readouterr().err
    ((_, _, limits),) = made
    assert limits.silence == silence


@pytest.mark.parametrize("workers", [1, 4])
def test_workers_share_the_memory_and_each_has_a_device(
    workers, made, results, photos, monkeypatch
):
    monkeypatch.setattr(workers_module, "devices", lambda count, per_gpu: [None] * count)
    _run(["run", str(photos), "--workers", str(workers), "--results", str(results)])
    ((_, devices, limits),) = made
    assert devices == [None] * workers
    assert limits == WorkerLimits(600.0, int(MEMORY_SHARE * machine_memory() / workers))


def environment(results):
    return RunEnvironment(results, results / "cache", max_time=None, workers=0, silence=60.0)


def test_without_workers_no_process_is_begun(made, results, photos, monkeypatch):
    monkeypatch.setattr(running, "_search", lambda *anything: None)
    options = {"families": ("cnn",), "image_size": (16, 16), "validation": 0.25, "test": 0.25}
    run = start(photos, "small", options, environment(results))
    assert made == []
    assert json.loads(run.config.read_text())["families"] == ["cnn"]
    assert run.splits.exists()


@pytest.mark.parametrize("command", [start, resume])
def test_ctrl_c_is_heard_at_once_until_the_search_asks_for_it(
    command, results, photos, monkeypatch
):
    asked = []
    real = new_run.prepare

    def prepare(*anything, **named):
        (stop,) = stops
        asked.append(stop.asked)
        return real(*anything, **named)

    stops, make = [], RunEnvironment.stop_signal
    noting = lambda self, run: stops.append(make(self, run)) or stops[-1]  # noqa: E731
    monkeypatch.setattr(RunEnvironment, "stop_signal", noting)
    for module in (new_run, running):
        monkeypatch.setattr(module, "prepare", prepare)
    monkeypatch.setattr(running, "_search", lambda *given: asked.append(given[3].asked))
    options = {"families": ("cnn",), "image_size": (16, 16), "validation": 0.25, "test": 0.25}
    run = start(photos, "small", options, environment(results))
    if command is resume:
        del asked[:], stops[:]
        resume(run, None, {}, environment(results))
    assert asked == [False, True]


def test_a_run_that_was_not_begun_leaves_no_folder(results, photos, monkeypatch):
    def broken(*anything, **named):
        raise TuneError("the data is bad")

    monkeypatch.setattr(new_run, "prepare", broken)
    with pytest.raises(TuneError, match="the data is bad"):
        start(photos, "small", {"families": ("cnn",)}, environment(results))
    assert [path.name for path in results.iterdir()] == ["begun"]


@pytest.mark.parametrize("name", ["../outside", "a/b", ".hidden", "-x", "a b"])
def test_a_name_is_one_plain_word(name, results, photos):
    with pytest.raises(TuneError, match="use letters, digits"):
        start(photos, name, {}, environment(results))


def test_a_folder_that_is_no_run_is_left_alone(results, photos):
    (results / "notes").mkdir()
    (results / "notes" / "mine.txt").write_text("mine")
    with pytest.raises(TuneError, match="not empty, and no run"):
        start(photos, "notes", {}, environment(results))
    assert (results / "notes" / "mine.txt").read_text() == "mine"


def test_a_run_that_was_killed_before_it_began_does_not_block_its_name(
    results, photos, monkeypatch
):
    monkeypatch.setattr(running, "_search", lambda *anything: None)
    killed = RunFolder(results / "small")
    killed.path.mkdir()
    for path in (killed.splits, killed.data, killed.path / "lock", killed.path / "workers.log"):
        path.write_text("of other data")
    (killed.path / ".splits.npz.0123.tmp").touch()
    options = {"families": ("cnn",), "image_size": (16, 16), "validation": 0.25, "test": 0.25}
    run = start(photos, "small", options, environment(results))
    assert len(load_splits(run).train) > 0
    assert json.loads(run.data.read_text())["labels"]


def test_a_run_that_another_process_prepares_is_called_that(results, photos):
    with locked(RunFolder(results / "small")), pytest.raises(TuneError, match="works on this run"):
        start(photos, "small", {}, environment(results))


def test_a_run_without_a_name_is_named_after_its_data_and_the_time(photos):
    assert new_run.default_name(photos).startswith("photos-20")
    assert new_run.default_name(photos / ".häufig & so").startswith("häufig___so-")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seed": 3}, "seed: was 0, now 3"),
        ({"factor": 4}, "factor: was 3, now 4"),
        ({"objective": "val_auc"}, "objective: was val_accuracy, now val_auc"),
    ],
)
def test_a_run_does_not_go_on_with_other_options(results, options, said):
    run = RunFolder(results / "begun")
    with pytest.raises(TuneError, match=f"begun cannot go on with other options.*\n  {said}"):
        resume(run, None, options | {"max_epochs": None}, environment(results))


def test_tensorflow_is_imported_by_nobody_before_it_is_imported_quietly(tmp_path):
    program = (
        "import sys; from pathlib import Path\n"
        "from search.tuning import new_run, run as running\n"
        "def resolve(*_, **__): sys.exit('tensorflow' in sys.modules)\n"
        "new_run.resolve_config = resolve\n"
        "environment = running.RunEnvironment(\n"
        "    Path(sys.argv[1]), Path(sys.argv[1], 'cache'), None, 0, 60.0)\n"
        "running.start(Path(sys.argv[1], 'photos'), 'run', {}, environment)\n"
    )
    (tmp_path / "photos").mkdir()
    done = subprocess.run([sys.executable, "-c", program, tmp_path], timeout=100, check=False)
    assert done.returncode == 0


def small_run(results, photos, *more):
    small = ["--families", "cnn", "--image-size", "16", "--max-epochs", "3"]
    places = ["--results", str(results), "--cache-dir", str(results / "cache")]
    return _run(["run", str(photos), *small, *places, *more])


@pytest.fixture
def step(monkeypatch):
    """Each step that is measured takes as long as this says; what was measured."""
    asked = []

    def measure(experiment, values):
        asked.append(values["family"])
        return StepTime(first=60.0, features=0.0, image=0.0)

    monkeypatch.setattr(plan_time, "measure", measure)
    return asked


def test_a_dry_run_says_the_plan_and_leaves_no_run(made, step, results, photos, capsys):
    before = sorted(path.name for path in results.iterdir())
    assert small_run(results, photos, "--dry-run", "--name", "planned") == 0
    said = capsys.readouterr()
    assert "planned: hyperband, 5 configurations in " in said.err
    assert "time: about 6 min on this machine, without the export" in said.err  # six trials
    assert (said.out, step) == ("", ["cnn"])
    assert made == []  # no worker is begun
    assert sorted({path.name for path in results.iterdir()} - {"cache"}) == before


def test_a_dry_run_gives_its_plan_to_programs(made, step, results, photos, capsys):
    assert small_run(results, photos, "--dry-run", "--max-time", "9m", "--json") == 0
    planned = json.loads(capsys.readouterr().out)
    assert planned["config"]["families"] == ["cnn"]
    assert planned["config"]["image_size"] == [16, 16]
    assert planned["trials"] >= planned["configurations"] == 5
    assert set(planned["splits"]) == {"train", "validation", "test"}
    assert all(planned["splits"].values())
    assert (planned["seconds"], step) == (540.0, [])  # the limit is the time


def test_a_dry_run_of_a_run_that_is_there_is_refused(results, photos, capsys):
    assert small_run(results, photos, "--dry-run", "--name", "begun") == 1
    assert "there is a run of this name already" in capsys.readouterr().err
    assert _run(["run", "--resume", "begun", "--dry-run", "--results", str(results)]) == 2
    assert "--dry-run and --resume exclude each other" in capsys.readouterr().err


@pytest.mark.parametrize("then_export", [True, False])
def test_a_search_keeps_time_back_for_the_export_whoever_makes_it(
    then_export, results, photos, monkeypatch, capsys
):
    made, limits = [], []

    def noted(plan, limit, *more, **known):
        limits.append(limit)
        return Pace(plan, limit, *more, **known)

    class Noted(TimeToExport):
        def __init__(self, *given):
            super().__init__(*given)
            made.append(self.experiment.run.name)

    monkeypatch.setattr("search.tuning.time_to_export.TimeToExport", Noted)
    monkeypatch.setattr(running, "Pace", noted)
    options = ["--name", "short", "--workers", "0", "--max-time", "0.01s"]
    status = small_run(results, photos, *options, *(["--then-export"] if then_export else []))
    assert (made, limits) == (["short"], [0.0])  # preparing the images took all of the time
    assert status == (1 if then_export else 0)
    assert ("no trial has finished yet" in capsys.readouterr().err) is then_export


@pytest.mark.parametrize(
    ("limit", "interrupted", "then", "asked"),
    [
        (100.0, True, "--then-export", " --max-time 80s --then-export"),
        (100.0, True, "", " --max-time 80s"),
        (None, True, "", ""),
        (100.0, False, "--then-export", ""),  # the time is up
    ],
)
def test_after_ctrl_c_the_way_on_has_what_was_asked_for(
    limit, interrupted, then, asked, results, monkeypatch
):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    run, stop = RunFolder(results / "begun"), StopSignal(limit)
    now[0], stop.interrupted = 20.0, interrupted
    said = running._to_go_on(run, stop, replace(environment(results), then=then))
    assert said == f"tune run --resume {run.argument}{asked}"
