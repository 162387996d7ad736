"""Searches over families in files of users: copied, trusted, gone on with, exported, used."""

import io
import json
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest
from drawing import draw_folder
from own_families import BLOCKS, LAYERED, written

from models.errors import ModelError
from models.families import registry
from models.families.own import loading
from search.api import tune
from search.api.own_families import definitions, family_words
from search.cli import _run
from search.errors import TuneError
from search.run_folder.config import RunConfig
from search.run_folder.paths import RunFolder

pytestmark = pytest.mark.slow

SMALL = ["--image-size", "16", "--max-epochs", "1", "--algo", "random"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    draw_folder(folder / "photos", {"cat": 12, "dog": 12})
    return folder


@pytest.fixture(scope="module")
def command(place):
    """Run a command here: its status, what it printed, and what it said."""

    def run(*words, capsys):
        places = ["--results", str(place / "results")]
        status = _run([*map(str, words), *places])
        printed = capsys.readouterr()
        return types.SimpleNamespace(status=status, out=printed.out, err=printed.err)

    return run


@pytest.fixture(scope="module")
def searched(place):
    """A run over a family in a file and one of ours, trained by a worker."""
    file = written(place, BLOCKS)
    run = tune(
        place / "photos",
        name="blocks",
        results=place / "results",
        cache_dir=place / "cache",
        families=["cnn", f"{file}:Blocks"],
        image_size=16,
        max_epochs=1,
        algo="random",
        max_trials=4,
        workers=1,
    )
    return run, file


@pytest.fixture
def another_process(monkeypatch):
    """As if no file had been run yet."""
    monkeypatch.setattr(registry, "_own", {})
    monkeypatch.setattr(loading, "_own_layers", {})


def test_workers_train_what_a_file_defines(searched):
    run, file = searched
    rows = run.table()
    assert {row.values["family"] for row in rows} == {"cnn", "Blocks"}
    assert all(row.status == "completed" for row in rows)
    config = RunConfig.load(run.folder)
    assert config.families == ("cnn", "Blocks")
    assert run.folder.own_family("Blocks").read_bytes() == file.read_bytes()
    kept = json.loads(run.folder.own_family("Blocks").with_suffix(".json").read_text())
    assert kept["without_effect"] == ["rate"]
    assert any("Blocks, blocks" in row.summary for row in rows)


def test_what_reads_a_run_runs_no_code(searched, command, capsys, another_process, monkeypatch):
    monkeypatch.setattr(loading, "load_code", lambda file: pytest.fail("code was run"))
    shown = command("show", "blocks", capsys=capsys)
    assert (shown.status, "Blocks, blocks" in shown.out) == (0, True)


def test_a_run_goes_on_with_the_code_that_it_began_with(
    searched, place, command, capsys, another_process
):
    _, file = searched
    go_on = ["run", "--resume", "blocks", "--workers", "0", "--cache-dir", place / "cache"]
    assert command(*go_on, capsys=capsys).status == 0
    assert command(*go_on, "--families", f"cnn,{file}:Blocks", capsys=capsys).status == 0
    (place / "other").mkdir()
    other = written(place / "other", BLOCKS + "\n# changed\n")
    refused = command(*go_on, "--families", f"cnn,{other}:Blocks", capsys=capsys)
    assert refused.status == 1
    assert "Blocks is not the code that the run began with" in refused.err
    refused = command(*go_on, "--families", f"{file}:Blocks", capsys=capsys)
    assert "families: was cnn,Blocks, now" in refused.err


def test_code_of_a_run_from_elsewhere_is_not_run_until_its_user_names_it(
    searched, place, command, capsys, another_process, monkeypatch
):
    run, _ = searched
    monkeypatch.setenv("XDG_DATA_HOME", str(place / "another-user"))
    go_on = ["run", "--resume", "blocks", "--workers", "0", "--cache-dir", place / "cache"]
    refused = command(*go_on, capsys=capsys)
    assert refused.status == 1
    said = " ".join(refused.err.split())
    assert "this run came from elsewhere, and its family Blocks is code" in said
    exported = command("export-best", "blocks", "--seeds", "0", capsys=capsys)
    assert exported.status == 1
    assert "came from elsewhere" in exported.err
    reported = command("report", "blocks", "--measure", "5s", capsys=capsys)
    assert reported.status == 0
    assert "latency not measured: " in reported.err
    given = re.search(r"--families (\S+:Blocks)", said)[1]
    assert command(*go_on, "--families", given.partition(",")[2], capsys=capsys).status == 1
    assert command(*go_on, capsys=capsys).status == 1  # no code was trusted by that
    assert command(*go_on, "--families", given, capsys=capsys).status == 0
    assert command(*go_on, capsys=capsys).status == 0


def test_a_name_that_leads_out_of_the_run_is_refused(searched, place, tmp_path):
    run, _ = searched
    values = json.loads(run.folder.config.read_text())
    values["own_families"] = [["../../mine", values["own_families"][0][1]]]
    other = RunFolder(tmp_path)
    other.config.write_text(json.dumps(values))
    with pytest.raises(TuneError, match="own_families is not as tune writes it"):
        RunConfig.load(other)


def test_code_that_was_changed_in_the_run_is_refused(searched, place, command, capsys):
    run, _ = searched
    code = run.folder.own_family("Blocks")
    before = code.read_bytes()
    code.write_bytes(before + b"# changed\n")
    go_on = ["run", "--resume", "blocks", "--workers", "0", "--cache-dir", place / "cache"]
    try:
        assert "has changed since the run began" in command(*go_on, capsys=capsys).err
        code.unlink()
        assert "missing; the run cannot go on without it" in command(*go_on, capsys=capsys).err
    finally:
        code.write_bytes(before)


def test_a_model_with_layers_of_a_file_is_used_with_that_file_alone(
    place, command, capsys, another_process
):
    file = written(place, LAYERED, "layered.py")
    begin = ["run", place / "photos", "--families", file, "--name", "layered", *SMALL]
    begun = command(
        *begin,
        *("--max-trials", "1", "--workers", "0", "--cache-dir", place / "cache"),
        capsys=capsys,
    )
    assert begun.status == 0
    assert "none of its layers scales them" in begun.err
    assert command("export-best", "layered", "--seeds", "0", capsys=capsys).status == 0
    card = (place / "results" / "layered" / "export" / "README.md").read_text()
    assert "It holds layers that `build_layered.py` in the folder `families`" in card
    loading._own_layers.clear()
    export = place / "results" / "layered" / "export"
    photo = next((place / "photos" / "cat").iterdir())
    assert _run(["predict", str(export), str(photo)]) == 1
    assert "which is none of our layers" in capsys.readouterr().err
    assert _run(["predict", str(export), str(photo), "--code", str(file)]) == 0
    assert "cat" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def build(hp):\n    raise OSError('no')", "OSError: no"),
        (
            "import keras\ndef build(hp, input_shape, classes):\n"
            "    i = keras.Input(input_shape)\n"
            "    x = keras.layers.Lambda(lambda x: x)(keras.layers.Flatten()(i))\n"
            "    return keras.Model(i, keras.layers.Dense(classes)(x))",
            "could be trained, but not be used: it holds keras.layers.Lambda",
        ),
        (
            "import keras\ndef build(hp):\n"
            "    return keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(9)])",
            "expected a Dense layer with 2 units",
        ),
    ],
)
def test_what_cannot_be_searched_is_said_before_the_search(place, command, capsys, code, said):
    file = written(place, code, "wrong.py")
    begin = ["run", place / "photos", "--families", file, "--name", "wrong", *SMALL]
    refused = command(*begin, "--workers", "0", "--cache-dir", place / "cache", capsys=capsys)
    assert refused.status == 1
    assert said in " ".join(refused.err.split())
    assert not (place / "results" / "wrong").exists()


def test_the_command_line_says_what_is_wrong_with_a_file(place, command, capsys):
    begin = ["run", place / "photos"]
    refused = command(*begin, "--families", "cnn,nowhere.py:Wide", capsys=capsys)
    assert refused.status == 2
    assert "nowhere.py: No such file" in refused.err
    refused = command(*begin, "--families", "vit", capsys=capsys)
    assert "choose among probe, joined" in " ".join(refused.err.split())


SCRIPT = """
import sys

import keras

from search.api import tune

UNITS = [2, 4]
print("begun")


def build_small(hp, num_classes):
    return keras.Sequential(
        [
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(hp.Choice("units", UNITS), activation="relu"),
            keras.layers.Dense(num_classes, activation="softmax"),
        ]
    )


run = tune(
    sys.argv[1], name="script", results=sys.argv[2], cache_dir=sys.argv[3], image_size=16,
    families=[build_small], max_epochs=1, algo="random", max_trials=2, workers=1,
)
print({row.values["build_small/units"] for row in run.table()} <= {2, 4})
"""


def test_a_script_searches_over_what_it_defines(place):
    script = written(place, SCRIPT, "script.py")
    words = [sys.executable, script, place / "photos", place / "results", place / "cache"]
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["begun", "True"]


def test_the_example_is_a_file_that_the_command_line_takes():
    file = Path(__file__).parents[1] / "examples" / "own_family.py"
    assert loading.load_family(file, "build_model").family.name == "build_model"


def test_of_a_program_its_definitions_are_kept():
    code = (
        "import os\nx = 1\ny = x + 1\nprint(x)\ndef f(): return x\nclass A: pass\nz: int = 2\nf()"
    )
    kept = definitions(code)
    assert kept.split("\n\n")[0].split() == ["import", "os", "x", "=", "1"]
    assert "def f" in kept
    assert "class A" in kept
    assert "z: int = 2" in kept
    assert "print" not in kept
    assert "y =" not in kept


def test_what_a_notebook_defines_is_taken_from_its_cells(tmp_path, monkeypatch):
    cells = ["import keras", "%matplotlib", "def build(hp):\n    return 1", "build(3)"]
    shell = types.SimpleNamespace(
        transform_cell=lambda cell: cell.replace("%", "magic "), user_ns={"In": cells}
    )
    main = types.ModuleType("__main__")
    main.get_ipython = lambda: shell
    monkeypatch.setitem(sys.modules, "__main__", main)

    def build(hp):
        return 1

    build.__module__ = "__main__"
    (word,) = family_words([build], tmp_path)
    assert word.endswith("build.py:build")
    assert (tmp_path / "build.py").read_text().split() == [
        *("import", "keras", "def", "build(hp):", "return", "1"),
    ]
    del main.get_ipython
    with pytest.raises(ModelError, match="an interactive session defines has no file"):
        family_words([build], tmp_path)


def test_names_files_and_classes_are_families_and_nothing_else_is(tmp_path):
    file = written(tmp_path, BLOCKS)
    assert family_words("cnn, xception", tmp_path) == ("cnn", "xception")
    assert family_words(["cnn", file, "cnn"], tmp_path) == ("cnn", f"{file}:Blocks")
    assert family_words(file, tmp_path) == (f"{file}:Blocks",)
    assert family_words([json.JSONDecoder], tmp_path)[0].endswith("decoder.py:JSONDecoder")
    for given, said in [
        ("vit", "received 'vit', expected one of probe"),
        ([], "received no name"),
        ([3], "received int, expected a name"),
        ([io.StringIO()], "received StringIO, expected a name"),
        ([io.StringIO], "StringIO is not written in Python"),
    ]:
        with pytest.raises(TuneError, match=said):
            family_words(given, tmp_path)
    assert RunFolder(tmp_path).families == tmp_path / "families"
