"""The interface for Python programs: the same as the commands, as functions and values."""

import json
import math
import re
import shutil
import subprocess
import sys
import textwrap
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from drawing import draw_folder
from finished_runs import in_this_process
from PIL import Image

from search.api import (
    Exported,
    Run,
    load,
    plan,
    resume,
    train,
    tune,
)
from search.api.notebook import as_html
from search.api.options import checked, names_of_formats
from search.cli import _run
from search.errors import TuneError
from search.export import writing
from search.process.stop_signal import StopSignal
from search.run_folder.schema import to_json

ROOT = Path(__file__).parents[1]
SMALL = {
    "families": "cnn",
    "image_size": 16,
    "max_epochs": 1,
    "algo": "random",
    "max_trials": 3,
    "deterministic": True,
    "workers": 0,
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder of images, one of results, one of the cache."""
    folder = tmp_path_factory.mktemp("api")
    draw_folder(folder / "photos", {"<b>cat": 12, "dog": 12})
    return folder


@pytest.fixture(scope="module")
def searched(place):
    """A finished run, and the trials that were told."""
    told = []
    where = {"results": place / "results", "cache_dir": place / "cache"}
    run = tune(place / "photos", name="one", on_trial=told.append, **where, **SMALL)
    return run, told


@pytest.fixture(scope="module")
def exported(searched):
    return searched[0].export(seeds=0)


def test_a_search_gives_its_table_and_tells_each_trial(searched):
    run, told = searched
    table = run.table()
    assert len(table) == len(told) == 3
    assert {row.configuration for row in table} == {trial.configuration for trial in told}
    assert run.best() == table[0]
    assert [row.score for row in table] == sorted((t.score for t in told), reverse=True)
    assert run.insights() == tuple(run.summary().insights.words)
    assert run.name == "one"


def test_the_command_gives_the_same_table_bit_for_bit(searched, place, capsys):
    arguments = ["run", place / "photos", "--families", "cnn", "--image-size", "16"]
    arguments += [
        "--algo",
        "random",
        "--max-trials",
        "3",
        "--max-epochs",
        "1",
        "--deterministic",
        "--workers",
        "0",
        "--name",
        "two",
    ]
    places = ["--results", place / "results", "--cache-dir", place / "cache", "--json"]
    assert _run([str(word) for word in [*arguments, *places]]) == 0
    printed = json.loads(capsys.readouterr().out)

    def without_times(rows):
        return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]

    mine = json.loads(json.dumps(to_json(searched[0].table())))
    assert without_times(printed["configurations"]) == without_times(mine)


def test_a_run_is_found_by_its_name_and_its_folder(searched, place):
    run, _ = searched
    assert load("one", results=place / "results") == run
    assert load(run.path) == run
    with pytest.raises(TuneError, match="no run named 'three'"):
        load("three", results=place / "results")


def test_a_finished_run_goes_on_to_the_same_end(searched, place):
    run, _ = searched
    before = run.table()
    assert resume(run, cache_dir=place / "cache", workers=0).table() == before
    with pytest.raises(TuneError, match="no such file"):
        resume(run, place / "nowhere", cache_dir=place / "cache", workers=0)


def test_a_notebook_shows_the_table_and_the_curve_and_obeys_no_name(searched):
    run, _ = searched
    report = run.summary()
    assert f"{run.best().score:.4f}" in run._repr_html_()
    assert "<polyline" in run._repr_html_()
    rows = (replace(report.configurations[0], summary="<script>"), *report.configurations[1:])
    shown = as_html(replace(report, run="<i>name", configurations=rows))
    assert "<script>" not in shown
    assert "&lt;i&gt;name" in shown
    assert "and 15 more" in as_html(replace(report, configurations=rows[:1] * 25))
    none = replace(report, configurations=())
    assert "<polyline" not in as_html(none)
    unscored = tuple(replace(row, score=None) for row in rows)
    assert "–" in as_html(replace(report, configurations=unscored))


def test_an_export_answers_to_files_and_to_arrays_alike(searched, exported, place):
    run, _ = searched
    assert run.exported == exported
    assert exported.class_names == ("<b>cat", "dog")
    assert exported.metrics.run == "one"
    paths = sorted((place / "photos").rglob("*.png"))[:3]
    answers = exported.predict(paths)
    assert [answer.path for answer in answers] == paths
    pixels = [np.array(Image.open(path).convert("RGB")) for path in paths]
    for of_file, of_array in zip(answers, exported.predict(pixels), strict=True):
        assert of_array.probabilities == pytest.approx(of_file.probabilities, abs=1e-6)
    (alone,) = exported.predict(pixels[0])
    assert alone.probabilities == pytest.approx(answers[0].probabilities, abs=1e-6)
    assert len(exported.predict(place / "photos")) == 24
    (one,) = exported.predict(str(paths[0]))
    assert one == answers[0]


def test_an_image_that_needs_too_much_memory_is_refused(exported, monkeypatch):
    def full(*_, **__):
        raise MemoryError

    monkeypatch.setattr("data_pipeline.pixels.resize.resize", full)
    with pytest.raises(TuneError, match=r"image 0: out of memory, with \[8, 9, 3\]"):
        exported.predict(np.zeros((8, 9, 3), np.uint8))


@pytest.mark.parametrize(
    "image", [np.zeros((8, 8, 3)), np.zeros((8, 8), np.uint8), np.zeros((0, 8, 3), np.uint8), "a"]
)
def test_what_is_no_image_is_refused(exported, image):
    good = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(TuneError, match=r"image 1: received .*, expected uint8"):
        exported.predict([good, image])


def test_an_export_is_measured_as_the_command_does(exported, place, capsys):
    found = exported.evaluate(place / "photos", cache_dir=place / "cache")
    command = ["evaluate", str(exported.path), str(place / "photos"), "--json"]
    assert _run([*command, "--cache-dir", str(place / "cache")]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == found.accuracy


def test_there_is_no_export_and_no_best_before_there_is_one(tmp_path, searched):
    assert Run(tmp_path).exported is None
    with pytest.raises(TuneError, match="No such file|no such"):
        Exported(tmp_path / "export").predict("x.png")
    nothing = replace(searched[0].summary(), configurations=())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Run, "summary", lambda run: nothing)
        with pytest.raises(TuneError, match="no trial has finished with a score"):
            searched[0].best()


def test_an_export_that_was_moved_keeps_its_figures(exported, tmp_path):
    moved = Exported(shutil.copytree(exported.path, tmp_path / "deployed"))
    assert moved.metrics == exported.metrics
    assert Exported(moved.path / "model.keras").metrics == exported.metrics


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"formats": "tflite"}, "formats: received 'tflite', expected one of keras"),
        ({"seeds": -1}, "seeds: received -1"),
        ({"top": 0}, "top: received 0"),
        ({"precision": 1.0}, "precision: received 1, expected a share"),
        ({"cheaper_within": -0.1}, "cheaper_within: received -0.1"),
    ],
)
def test_what_no_export_can_be_is_refused_at_once(searched, options, problem):
    with pytest.raises(TuneError, match=problem):
        searched[0].export(**options)


def test_a_report_is_one_file(searched, tmp_path):
    file = searched[0].report(tmp_path / "page.html", measure=0, pictures=False)
    assert file == tmp_path / "page.html"
    assert "</html>" in file.read_text()


def test_a_plan_is_said_and_leaves_no_run(place):
    where = {"results": place / "plans", "cache_dir": place / "cache"}
    planned = plan(place / "photos", max_time=60, **where, **SMALL)
    assert (planned.trials, planned.seconds) == (3, 60)
    assert not list((place / "plans").iterdir())


def test_what_shows_a_search_is_told_of_each_trial_too(place):
    told, seen = [], []

    @contextmanager
    def display(board):
        yield SimpleNamespace(
            trial_started=board.trial_started,
            progress=board.progress,
            trial_finished=lambda record: (board.trial_finished(record), seen.append(record)),
        )

    where = {"results": place / "shown", "cache_dir": place / "cache", "display": display}
    tune(place / "photos", on_trial=told.append, **where, **SMALL | {"max_trials": 1})
    assert len(seen) == 1
    assert told == seen


def test_a_published_configuration_is_trained_alone(place):
    where = {"results": place / "presets", "cache_dir": place / "cache", "workers": 0}
    run = train(place / "photos", "keras-2020", max_epochs=1, image_size=32, **where)
    assert run.config.preset == "keras-2020"
    assert len(run.table()) == 1
    with pytest.raises(TypeError, match="there is no option families"):
        train(place / "photos", "keras-2020", families="cnn", **where)


def test_an_export_keeps_to_its_time(searched, monkeypatch):
    asked = []

    def seen(folder, options, **_):
        asked.append(options)

    monkeypatch.setattr("search.export.export_best.export_best", seen)
    run, _ = searched
    run.export(max_time=3600)
    run.export(max_time=0)
    run.export()
    assert [options.seeds for options in asked] == [3, 0, 3]
    hour, none, always = (options.choose_until for options in asked)
    assert hour > none
    assert always == math.inf


@pytest.mark.parametrize("changes", [{"max_time": 0}, {"data": "nowhere"}])
def test_a_search_that_cannot_be_is_refused_at_once(changes, tmp_path):
    options = {"data": str(tmp_path), "cache_dir": tmp_path / "cache", **SMALL} | changes
    with pytest.raises(TuneError, match=r"max_time: received 0|nowhere: no such file"):
        tune(options.pop("data"), **options)


def test_signals_are_left_alone_outside_of_the_main_thread():
    found = []

    def enter():
        with StopSignal() as stop:
            found.append(stop.requested)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert found == [False]


def test_importing_it_loads_no_tensorflow():
    code = "import search.api, sys; print(sorted({'tensorflow', 'keras'} & set(sys.modules)))"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.strip() == "[]"


@pytest.mark.slow
def test_the_example_runs_as_it_stands(tmp_path):
    """As a script that guards nothing: its workers must not begin it once more."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "first_search.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "on the test images" in done.stdout
    assert len(list((tmp_path / "results").iterdir())) == 1
    assert list((tmp_path / "results").glob("*/report.html"))


@pytest.mark.slow
def test_the_notebook_runs_as_it_stands(place, tmp_path, monkeypatch, capsys):
    """All its cells but the one with parameters, in place of which a run on other images."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(writing, "measure_file", in_this_process)  # as the script above is not
    notebook = json.loads((ROOT / "examples" / "first_search.ipynb").read_text())
    names = {"data": place / "photos", "options": SMALL | {"cache_dir": place / "cache"}}
    ran = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", []):
            exec("".join(cell["source"]), names)
            ran += 1
    assert ran == 5
    assert [difference.same for difference in names["comparison"].differences] == [False]
    said = capsys.readouterr().out
    assert "common" in said
    assert said.count("dog") >= 5


@pytest.mark.parametrize("place_of_it", ["README.md", "search/api/__init__.py"])
def test_the_examples_in_the_texts_run(
    place_of_it, searched, exported, tmp_path, monkeypatch, capsys
):
    """Against the small run, since `photos/` and ten minutes are not at hand here."""
    text = (ROOT / place_of_it).read_text()
    if place_of_it == "README.md":
        code = re.search(r"## From Python.*?```python\n(.*?)```", text, re.DOTALL)[1]
    else:
        code = textwrap.dedent(re.search(r"\n\n((?:    .*\n|\n)+)", text)[1])
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (20, 20)).save("photo.jpg")
    run = searched[0]

    def tuned(data, max_time, **options):
        assert (data, max_time) == ("photos/", 600)
        checked(options)
        return run

    def export(run, formats=()):
        assert not formats or names_of_formats("formats", formats)
        return exported

    monkeypatch.setattr("search.api.tune", tuned)
    monkeypatch.setattr("search.api.load", lambda name: run)
    monkeypatch.setattr(Run, "export", export)
    exec(code, {})
    assert "photo.jpg  " in capsys.readouterr().out
