"""The command line as a user meets it; nothing here trains."""

import json
import subprocess
import sys
import warnings
from dataclasses import replace

import click
import pytest
from given_data import DATA
from searching import epoch_logs, run_config, trial_record

from search import api
from search.cli import _run, tune
from search.cli.export import print_then_export
from search.cli.printing.run import _next, print_result
from search.errors import TuneError
from search.process.atomic_files import write_json
from search.run_folder.paths import RunFolder
from search.run_folder.record_files import load_records
from search.run_folder.records import ERROR, FAILED, STOPPED

HEAVY = ("tensorflow", "keras", "keras_tuner")
COMMANDS = tune.list_commands(None)


@pytest.fixture
def results(tmp_path):
    """A results folder with one run of two configurations."""
    folder = tmp_path / "results"
    run = RunFolder(folder / "cats")
    run_config().save(run)
    write_json(run.data, DATA)
    trial_record("0000", 0.75).save(run)
    trial_record("0001", 0.875, history=[epoch_logs(0, 0.875)]).save(run)
    return folder


def modules_after(*arguments):
    """Which heavy packages a command has loaded, and what it printed."""
    code = (
        "import sys\n"
        "from search.cli import _run\n"
        f"status = _run({list(map(str, arguments))!r})\n"
        f"print('loaded', status, [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["presets"]])
def test_help_and_presets_load_no_tensorflow(arguments):
    assert "loaded 0 []" in modules_after(*arguments)


@pytest.mark.parametrize("command", ["show", "list"])
def test_looking_at_results_loads_no_tensorflow(results, command):
    printed = modules_after(command, "--results", results)
    assert "loaded 0 []" in printed
    assert "0.8750" in printed


def test_the_help_lists_every_command(capsys):
    assert _run(["--help"]) == 0
    printed = capsys.readouterr().out
    assert COMMANDS
    for name in COMMANDS:
        assert f"\n  {name} " in printed


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does_and_gives_an_example(name, capsys):
    assert _run([name, "--help"]) == 0
    assert f"Example: tune {name}" in capsys.readouterr().out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_help_and_options_that_may_be_left_out_a_default(name):
    for option in tune.load(name).params:
        if not isinstance(option, click.Option):
            continue
        assert option.help, option.name
        told = option.show_default or "default" in option.help
        silent = option.is_flag or option.required or option.multiple
        assert told or silent or option.name in ("destination", "resume"), option.name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fly"], "No such command 'fly'"),
        (
            ["run", "--algo", "magic"],
            "'magic' is not one of 'hyperband', 'asha', 'pasha', 'random', 'bayesian'",
        ),
        (
            ["run", "--families", "cnn,rnn"],
            "received rnn; choose among probe, joined, transfer, cnn, xception",
        ),
        (["run", "--image-size", "4"], "'4' is no size; write 180 or 120x160"),
        (["run", "--max-time", "soon"], "'soon' is no time; write 90s"),
        (["run", "--max-epochs", "0"], "0 is not in the range"),
        (["run", "--factor", "1"], "1 is not in the range"),
        (["run", "no-such-folder"], "'no-such-folder' does not exist"),
        (["run", "--resume", "a", "--name", "b"], "--name and --resume exclude each other"),
        (["train", "."], "Missing option '--preset'"),
        (["predict", "model"], "Missing argument 'PATHS...'"),
    ],
)
def test_misuse_is_status_2_and_says_what_was_expected(
    arguments, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert _run(arguments) == 2
    said = capsys.readouterr()
    assert message in " ".join(said.err.split())
    assert "Traceback" not in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show"], "no runs here; start one with 'tune run DATA'"),
        (["tensorboard"], "no runs here"),
        (["export-best"], "no runs here"),
        (["run", "--resume", "cats"], "no runs here"),
        (["train", ".", "--preset", "x"], "no preset named 'x'; there are: "),
        (["predict", "nowhere", "photo.jpg"], "photo.jpg: no such file or folder"),
        (["predict", "nowhere", "text"], "nowhere: "),
        (["restore", "."], ""),
        (["clean", "."], ""),
    ],
)
def test_a_mistake_is_status_1_and_one_line_without_traceback(
    arguments, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("no image")
    assert _run(arguments) == 1
    said = capsys.readouterr()
    (line,) = said.err.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert said.out == ""


def test_debug_shows_the_traceback(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert _run(["--debug", "show"]) == 1
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "error: results/: no runs here" in said


def test_ctrl_c_is_status_130(monkeypatch, capsys):
    def pressed(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("search.overview.summary.list_runs", pressed)
    assert _run(["list"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_a_name_that_is_taken_is_answered_with_how_to_go_on(results, photos, capsys):
    arguments = ["run", str(photos), "--name", "cats", "--results", str(results)]
    assert _run(arguments) == 1
    assert f"go on with it by 'tune run --resume {results / 'cats'}'" in capsys.readouterr().err


def test_an_empty_list_is_no_error(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert _run(["list"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "no runs here; start one with: tune run DATA" in said.err


def test_an_empty_list_is_valid_json(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert _run(["list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_the_list_has_a_line_a_run(results, capsys):
    assert _run(["list", "--results", str(results)]) == 0
    head, line = capsys.readouterr().out.splitlines()
    assert head.split()[0] == "run"
    assert line.split()[0] == "cats"
    assert line.split()[3:9] == ["ended", "photos", "hyperband", "2", "0.8750", "no"]


def test_show_prints_the_table_and_the_verdict(results, capsys):
    assert _run(["show", "--results", str(results)]) == 0
    printed = capsys.readouterr().out
    assert "cats: hyperband, 2 trials finished, 1,234 images of 2 classes" in printed
    assert printed.index("0.8750") < printed.index("0.7500")
    assert "0.1250 better than the best built-in configuration" in printed


def test_an_interrupted_export_says_how_to_go_on(results, monkeypatch, capsys):
    def pressed(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("search.export.export_best.export_best", pressed)
    assert _run(["export-best", "--results", str(results)]) == 130
    said = capsys.readouterr().err
    assert "cats: what was trained again so far is kept; give the same command to go on" in said
    run = api.load("cats", results=results)
    with pytest.raises(KeyboardInterrupt):
        print_then_export(run, None, as_json=True)
    said = capsys.readouterr().err
    assert f"go on with: tune run --resume {run.folder.argument} --then-export" in said


def test_a_search_of_which_nothing_came_ends_with_an_error(results):
    run = api.load("cats", results=results)
    first, second = load_records(run.folder)
    failed = {"status": FAILED, "failure": ERROR, "reason": "no such layer", "score": None}
    first.with_outcome(**failed).save(run.folder)
    second.with_outcome(status=STOPPED, score=None).save(run.folder)
    print_result(run, as_json=False)  # time was up
    second.with_outcome(**failed).save(run.folder)
    for as_json in (True, False):
        with pytest.raises(TuneError, match="none of its trials came to a result; the first: no"):
            print_result(run, as_json)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"max_trials": 0, "hyperband_iterations": 0}, "--max-time 1h), or more images (in a new"),
        ({"hyperband_iterations": 1}, "next: more images may help (in a new run), or wrong"),
        ({"preset": "student-cnn"}, "next: more images may help (in a new run), or wrong"),
    ],
)
def test_more_time_is_proposed_where_there_is_more_to_try(results, monkeypatch, changes, says):
    run = api.load("cats", results=results)
    replace(run.config, **changes).save(run.folder)
    report = replace(run.summary(), doubts=("it names one class",))
    assert says in _next(run, report)


def test_show_ends_with_what_was_exported(results, capsys):
    metrics = {
        "summary": "cnn 8 filters",
        "verdict": "After further trainings it was no better.",
        "accuracy": 0.45,
        "accuracy_interval": [0.4, 0.5],
        "pictures": 300,
        "lock_box_opened": 2,
    }
    (run,) = results.iterdir()
    write_json(RunFolder(run).export / "metrics.json", metrics)
    assert _run(["show", "--results", str(results)]) == 0
    *_, verdict, exported = capsys.readouterr().out.splitlines()
    assert verdict == "After further trainings it was no better."
    assert exported == (
        "exported: cnn 8 filters, accuracy 0.4500 on 300 test images "
        "(95 % interval 0.4000 to 0.5000; looked at 2 times)"
    )


def test_show_says_how_many_rows_it_left_out(results, capsys):
    assert _run(["show", "cats", "--limit", "1", "--results", str(results)]) == 0
    printed = capsys.readouterr().out
    assert "and 1 more" in printed
    (row,) = [line for line in printed.splitlines() if line.startswith("1 ")]
    assert "0.8750" in row
    assert not any(line.startswith("2 ") for line in printed.splitlines())


def test_show_as_json_has_the_whole_configuration(results, capsys):
    assert _run(["show", "--json", "--results", str(results)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [row["score"] for row in report["configurations"]] == [0.875, 0.75]
    assert report["configurations"][0]["values"]["family"] == "cnn"


def test_presets_as_json_are_what_train_takes(capsys):
    from models.presets import PRESETS

    assert _run(["presets", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == list(PRESETS)


def test_tensorboard_on_a_run_without_trials_says_so(results, capsys):
    assert _run(["tensorboard", "cats", "--results", str(results)]) == 1
    assert "no trial has begun" in capsys.readouterr().err


def test_bad_files_are_reported_moved_and_put_back(photos, cache_dir, tmp_path, capsys):
    (photos / "cat" / "broken.jpg").write_bytes(b"no image")
    aside = tmp_path / "aside"
    common = ["clean", str(photos), "--cache-dir", str(cache_dir)]
    assert _run([*common, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["kept"] == 8
    assert _run([*common, "--quarantine", str(aside)]) == 0
    said = capsys.readouterr()
    assert "broken.jpg" in said.out
    assert "moved 1 file;" in said.err
    assert not (photos / "cat" / "broken.jpg").exists()
    assert _run(["restore", str(aside)]) == 0
    assert (photos / "cat" / "broken.jpg").exists()


def test_a_file_name_with_control_characters_is_shown_and_not_obeyed(photos, cache_dir, capsys):
    (photos / "cat" / "red\x1b[31m.jpg").write_bytes(b"no image")
    assert _run(["clean", str(photos), "--cache-dir", str(cache_dir)]) == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "red\\x1b[31m.jpg" in printed


def test_the_help_shows_examples_on_lines_of_their_own_and_every_command_in_short(capsys):
    assert _run(["--help"]) == 0
    text = capsys.readouterr().out
    assert "\\b" not in text
    assert "  tune show                 see what it found\n" in text
    listed = text[text.index("Commands:") :]
    assert "..." not in listed
    for name in COMMANDS:
        assert f"\n  {name} " in listed


def test_a_command_that_is_misspelt_is_answered_with_one_that_there_is(capsys):
    assert _run(["exprot-best"]) == 2
    assert "Did you mean 'export-best'?" in capsys.readouterr().err
    assert _run(["xyzzy"]) == 2
    assert "Did you mean" not in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_the_version_is_said(flag, capsys):
    assert _run([flag]) == 0
    assert capsys.readouterr().out.startswith("tune, version ")


def test_it_can_be_run_as_a_module():
    command = [sys.executable, "-m", "search", "presets", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout)


def test_a_folder_of_results_that_is_not_there_is_an_error(tmp_path, capsys):
    assert _run(["list", "--results", str(tmp_path / "nope")]) == 1
    assert "no such folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--max-time", "0s"], "no time to do anything in"), (["--name", ""], "use letters, digits")],
)
def test_what_would_leave_a_run_of_nothing_is_refused(photos, tmp_path, capsys, options, said):
    folders = ["--results", str(tmp_path / "results"), "--cache-dir", str(tmp_path / "cache")]
    assert _run(["run", str(photos), *options, *folders]) != 0
    assert said in capsys.readouterr().err
    assert not list((tmp_path / "results").glob("*"))


def test_a_model_or_a_photo_that_is_not_there_is_said_before_tensorflow_is_loaded(tmp_path):
    (tmp_path / "photo.jpg").touch()
    there = tmp_path / "model.keras"
    there.touch()
    for words in (["nope", tmp_path / "photo.jpg"], [there, tmp_path / "nope.jpg"]):
        assert "loaded 1 []" in modules_after("predict", *words)


def test_without_a_home_the_cache_is_asked_for(photos, monkeypatch, capsys):
    def no_home(*_):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("data_pipeline.catalog.cache.default_cache_dir", no_home)
    assert _run(["clean", str(photos)]) == 1
    assert "give another folder (--cache-dir)" in capsys.readouterr().err


def test_a_cache_that_cannot_be_made_is_named(photos, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert _run(["clean", str(photos), "--cache-dir", str(tmp_path / "file" / "cache")]) == 1
    said = capsys.readouterr().err
    assert "Not a directory" in said
    assert "give another folder (--cache-dir)" in said


def test_what_a_stranger_wrote_into_a_run_is_shown_and_not_obeyed(tmp_path, capsys):
    run = RunFolder(tmp_path / "results" / "run\x1b[2J")
    run_config(algo="ran\x1b]0;x\x07dom").save(run)
    write_json(run.data, DATA)
    trial_record("0000", status="failed", reason="bad\x9b31m\u202e", score=None).save(run)
    results = ["--results", str(tmp_path / "results")]
    for command in (["list"], ["show"], ["list", "--json"], ["show", "--json"]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _run([*command, *results])
        printed = capsys.readouterr()
        for text in (printed.out, printed.err):
            assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text), command


def test_a_command_is_called_without_importing_the_others(tmp_path):
    code = (
        "import sys\n"
        "from search.cli import _run\n"
        f"_run(['list', '--results', {str(tmp_path)!r}])\n"
        "loaded = {name.rpartition('.')[2] for name in sys.modules if 'search.cli.' in name}\n"
        "assert 'show' in loaded and not loaded & {'run', 'export', 'report', 'serve'}, loaded\n"
        "assert not {'urllib.request', 'numpy', 'importlib.metadata'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True)
