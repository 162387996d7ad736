"""The commands that delete runs, look at the cache, and look at the machine."""

import json

import pytest
from click.shell_completion import ShellComplete
from given_data import DATA
from searching import run_config, trial_record

from search.cli import _run, tune
from search.errors import TuneError
from search.process.atomic_files import write_json
from search.process.cache_use import clear_cache, use_of
from search.process.machine.disk import used_bytes
from search.process.machine.gpus import Gpu
from search.process.machine.hardware import Hardware
from search.run_folder.paths import RunFolder
from search.run_folder.records import STOPPED
from search.runs.lock import EXPORT, is_locked, locked
from search.runs.remove import remove
from search.tuning import doctor


@pytest.fixture
def results(tmp_path):
    """Two runs, one with a trial that may go on."""
    for name, status in (("cats", "completed"), ("dogs", STOPPED)):
        run = RunFolder(tmp_path / "results" / name)
        run_config().save(run)
        write_json(run.data, DATA)
        trial_record("0000", 0.75, status=status).save(run)
    return tmp_path / "results"


def names(results):
    return sorted(path.name for path in results.iterdir())


def test_runs_are_deleted_by_name_or_folder_and_nothing_else(results, capsys):
    words = ["rm", "cats", str(results / "cats"), "--yes", "--results", str(results)]
    assert _run(words) == 0
    assert names(results) == ["dogs"]
    assert "deleted cats" in capsys.readouterr().out


def test_who_does_not_agree_keeps_them(results, monkeypatch):
    monkeypatch.setattr("click.confirm", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    assert _run(["rm", "cats", "--results", str(results)]) == 130
    assert names(results) == ["cats", "dogs"]


@pytest.mark.parametrize("words", [["cats", "birds"], ["birds"]])
def test_a_name_that_is_wrong_deletes_nothing(results, words, capsys):
    assert _run(["rm", *words, "--yes", "--results", str(results)]) == 1
    assert "no run named 'birds'" in capsys.readouterr().err
    assert names(results) == ["cats", "dogs"]


def test_a_run_that_is_worked_on_is_not_deleted(results, capsys):
    with locked(RunFolder(results / "dogs")):
        assert is_locked(RunFolder(results / "dogs"))
        assert _run(["rm", "cats", "dogs", "--yes", "--results", str(results)]) == 1
    assert "a search works on this run" in capsys.readouterr().err
    assert names(results) == ["cats", "dogs"]
    assert not is_locked(RunFolder(results / "dogs"))
    with locked(RunFolder(results / "dogs"), EXPORT):
        assert _run(["rm", "dogs", "--yes", "--results", str(results)]) == 1
        with pytest.raises(TuneError, match="works on this run"):
            remove(RunFolder(results / "dogs"))
    assert "an export works on this run" in capsys.readouterr().err
    assert names(results) == ["cats", "dogs"]


def test_a_run_is_not_deleted_where_its_export_is_named(results, capsys):
    run = RunFolder(results / "cats")
    run.export.mkdir()
    words = ["rm", str(run.export), "--yes", "--results", str(results)]
    assert _run(words) == 1
    assert f"delete the whole run with 'tune rm {run.path}'" in capsys.readouterr().err
    assert names(results) == ["cats", "dogs"]


def test_a_folder_that_another_program_wrote_is_not_deleted(results, tmp_path, capsys):
    model = tmp_path / "bert"
    model.mkdir()
    (model / "config.json").write_text("{}")
    assert _run(["rm", str(model), "--yes", "--results", str(results)]) == 1
    assert "no run named" in capsys.readouterr().err
    assert model.exists()


def test_a_run_behind_a_link_is_deleted_with_the_link(results, tmp_path):
    elsewhere = tmp_path / "large disk" / "cats"
    elsewhere.parent.mkdir()
    (results / "cats").rename(elsewhere)
    (results / "cats").symlink_to(elsewhere)
    assert _run(["rm", "cats", "--yes", "--results", str(results)]) == 0
    assert names(results) == ["dogs"]
    assert list(elsewhere.parent.iterdir()) == []


def test_the_list_says_what_each_run_is_and_whether_it_may_go_on(results, capsys):
    with locked(RunFolder(results / "cats")):
        assert _run(["list", "--results", str(results), "--json"]) == 0
    rows = {row["run"]: row for row in json.loads(capsys.readouterr().out)}
    assert [rows[name]["state"] for name in ("cats", "dogs")] == ["running", "stopped"]
    assert rows["cats"]["bytes"] == used_bytes(results / "cats") > 0
    assert _run(["list", "--results", str(results)]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == [
        *("run", "begun", "state", "data", "algorithm", "trials", "best", "exported", "size")
    ]
    (cats,) = [line for line in lines if line.startswith("cats ")]
    assert cats.split()[3:9] == ["ended", "photos", "hyperband", "1", "0.7500", "no"]


A = 16 * "a0"  # a hash


@pytest.fixture
def cache(tmp_path):
    """What is named by its content, and what somebody else has put beside it."""
    folder = tmp_path / "cache"
    for path, size in (
        (f"catalogs/{A}.json", 5_000),
        (f"prepared/{A}-8x8.npy", 50_000),
        (f"prepared/{A}-8x8.features/net/plain.f32", 9_000),
        ("nodes/machine/prepared/b.npy", 50_000),
        ("mine.txt", 10),
        ("prepared/mine.npy", 10),
        ("nodes/mine/notes.txt", 10),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(bytes(range(250)) * (size // 250 + 1))
    return folder


def test_the_cache_is_measured_kind_by_kind(cache, capsys):
    rows = use_of(cache).rows
    assert [row.files for row in rows] == [1, 1, 1, 1]
    assert rows[1].bytes >= 50_000
    assert _run(["cache", "--cache-dir", str(cache)]) == 0
    assert f"{cache}\n" in capsys.readouterr().out
    assert (cache / "prepared" / f"{A}-8x8.npy").exists()
    assert _run(["cache", "--cache-dir", str(cache), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"][1]["bytes"] == rows[1].bytes


def test_clearing_the_cache_leaves_what_is_not_of_it(cache, monkeypatch, capsys):
    monkeypatch.setattr("click.confirm", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    assert _run(["cache", "--clear", "--cache-dir", str(cache)]) == 130
    assert (cache / "catalogs").exists()
    assert _run(["cache", "--clear", "--yes", "--cache-dir", str(cache)]) == 0
    left = [path.relative_to(cache).as_posix() for path in cache.rglob("*") if path.is_file()]
    assert sorted(left) == ["mine.txt", "nodes/mine/notes.txt", "prepared/mine.npy"]
    assert not (cache / "catalogs").exists()
    assert not (cache / "nodes" / "machine").exists()
    assert sum(row.bytes for row in use_of(cache).rows) == 0
    clear_cache(cache)  # a second time is no error


def test_a_file_with_holes_takes_what_it_holds(tmp_path):
    with (tmp_path / "holes").open("wb") as file:
        file.truncate(10**9)
    assert used_bytes(tmp_path) < 10**8
    (tmp_path / "link").symlink_to(tmp_path)
    assert used_bytes(tmp_path) < 10**8
    assert used_bytes(tmp_path / "deleted meanwhile") == 0


@pytest.fixture
def machine(monkeypatch):
    """Findings by what they are of, on a machine with these GPUs."""

    def with_gpus(*gpus, shown=None, installed=0, folder=None, cache=doctor.Path):
        hardware = Hardware(gpus, (8, 6) if gpus else (0, 0))
        monkeypatch.setattr(doctor, "load_tensorflow", lambda _: hardware)
        visible = [Gpu(str(n), "RTX 3060", 12 * 2**30) for n in range(max(len(gpus), shown or 0))]
        monkeypatch.setattr(doctor, "visible_gpus", lambda: tuple(visible))
        everything = (*visible, *(Gpu(f"GPU-{n}", "T4") for n in range(installed)))
        monkeypatch.setattr(doctor, "installed_gpus", lambda: everything)
        found = doctor.examine(folder or doctor.Path(), cache, None)
        return {finding.what: finding for finding in found}

    return with_gpus


def test_a_machine_is_looked_at(machine, tmp_path):
    found = machine("RTX 3060", folder=tmp_path)
    assert found["GPUs"].found == "RTX 3060 (12 GiB) (compute capability 8.6, mixed_bfloat16)"
    assert {"tune", "tensorflow", "memory", "processor", "weights"} <= set(found)
    assert found["disk of the cache"].fine


def test_a_command_that_ray_has_taken_is_a_finding(machine, monkeypatch):
    assert machine()["tune"].fine
    monkeypatch.setattr(doctor, "lost_command", lambda: "the command 'tune' is Ray's here")
    found = machine()["tune"]
    assert not found.fine
    assert found.found.endswith("; the command 'tune' is Ray's here")


def test_gpus_that_tensorflow_does_not_see_are_named(machine):
    finding = machine(shown=2)["GPUs"]
    assert not finding.fine
    assert "driver shows 2 GPUs (RTX 3060 (12 GiB), RTX 3060 (12 GiB)), TensorFlow" in finding.found
    assert machine()["GPUs"].found.startswith("none: models are narrower")
    left_out = machine(installed=1)["GPUs"]
    assert (left_out.found, left_out.fine) == ("T4, which CUDA_VISIBLE_DEVICES leaves out", True)


def test_packages_that_are_missing_are_named_with_what_needs_them(machine, monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    found = machine(folder=tmp_path)
    assert not found["HEIC photos"].fine
    assert "pip install 'image-tune[onnx]'" in " ".join(each.found for each in found.values())


def test_a_cache_that_cannot_be_made_is_one_more_finding(machine, tmp_path):
    def refused():
        raise TuneError("there is no home folder")

    found = machine(folder=tmp_path, cache=refused)["disk of the cache"]
    assert (found.found, found.fine) == ("there is no home folder", False)


def test_the_doctor_prints_a_line_for_each_and_json(monkeypatch, capsys):
    finding = doctor.Finding("disk of the cache", "0.1 GB free", fine=False)
    monkeypatch.setattr(doctor, "examine", lambda *_: [doctor.Finding("tune", "0.1"), finding])
    assert _run(["doctor"]) == 0
    assert capsys.readouterr().out == "  tune               0.1\n! disk of the cache  0.1 GB free\n"
    assert _run(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[1] == {
        "what": "disk of the cache",
        "found": "0.1 GB free",
        "fine": False,
    }


@pytest.mark.parametrize(
    ("words", "incomplete", "offered"),
    [
        (["show"], "", ["cats", "dogs"]),
        (["rm", "dogs"], "c", ["cats"]),
        (["predict"], "do", ["dogs"]),
        (["run", "--resume"], "ca", ["cats"]),
        (["tensor"], "x", []),
    ],
)
def test_a_shell_completes_the_names_of_runs(results, words, incomplete, offered, monkeypatch):
    monkeypatch.chdir(results.parent)
    shell = ShellComplete(tune, {}, "tune", "_TUNE_COMPLETE")
    found = [item.value for item in shell.get_completions(words, incomplete)]
    assert sorted(found) == offered


def test_completion_looks_where_the_results_are(results):
    shell = ShellComplete(tune, {}, "tune", "_TUNE_COMPLETE")
    found = shell.get_completions(["show", "--results", str(results)], "d")
    assert [item.value for item in found] == ["dogs"]
