"""`tune labels` as a user meets it."""

import csv
import json
import socket
from dataclasses import replace

import numpy as np
import pytest
from judged import HEAD, copied_run, judged_run, rename_images, telling_features, with_flipped
from PIL import Image
from small_trials import COUNT

from data_pipeline.preparation.split import split_by_group
from search.cli import _run
from search.label_errors import out_of_fold, suspects
from search.process.printable import cell
from search.run_folder.data import save_data
from search.run_folder.paths import RunFolder
from search.trial.features.cache import FeatureCache

FLIPS = [4, 15, 22]  # of train, validation and test
HOSTILE = "along/<b>\udce9\x1b[31m.png"


@pytest.fixture
def run(transfer, tmp_path, monkeypatch):
    """A run with three wrong labels, and features that know better."""
    monkeypatch.setattr(FeatureCache, "plain", telling_features)
    monkeypatch.setattr(out_of_fold, "HEAD_REPEATS", 1)
    run = judged_run(transfer, tmp_path, HEAD, epochs=10)
    with_flipped(run, FLIPS)
    return run


@pytest.fixture
def judged(run, monkeypatch):
    """The same run, judged before: the labels of two images are in doubt."""
    given = np.full(COUNT, 0.9, np.float32)
    given[[7, 4]] = 0.1, 0.2
    targets = np.load(run.targets)
    found = np.where(np.arange(2) == targets[:, None], given[:, None], 1 - given[:, None])
    monkeypatch.setattr(suspects, "out_of_fold", lambda *_, **__: found)
    return run


def labels(run, *arguments):
    return _run(["labels", run.name, "--results", str(run.path.parent), *arguments])


def rows_of(run):
    with (run.label_errors / "suspects.csv").open(errors="surrogateescape", newline="") as file:
        return list(csv.DictReader(file))


def test_what_the_page_needs_is_looked_at_before_any_training(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(suspects, "out_of_fold", lambda *_, **__: pytest.fail("was trained"))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        assert labels(run, "--serve", "--port", port) == 1
    assert f"port {port} is taken" in capsys.readouterr().err
    file = tmp_path / "other.csv"
    file.write_text("name,age\n")
    assert labels(run, "--serve", "--port", "0", "--corrections", str(file)) == 1
    assert f"{file}: " in capsys.readouterr().err


def test_a_run_that_is_only_to_be_read_is_refused_before_any_training(run, capsys, monkeypatch):
    monkeypatch.setattr(suspects.os, "access", lambda path, mode: path != run.path)
    monkeypatch.setattr(suspects, "out_of_fold", lambda *_, **__: pytest.fail("was trained"))
    assert labels(run) == 1
    assert f"{run.path}: only to be read" in capsys.readouterr().err


def test_the_list_its_table_and_its_page_name_the_wrong_labels(run, capsys):
    names = [f"along/{number:02d}.png" for number in range(COUNT)]
    names[4] = HOSTILE
    root = rename_images(run, names, run.path.parent / "photos")
    (root / "along").mkdir(parents=True)
    Image.new("RGB", (40, 10)).save(root / names[15])
    assert labels(run, "--json", "--folds", "4") == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    report = json.loads(printed)
    assert list(report) == [
        *("run", "argument", "root", "pictures", "configuration", "folds", "repeats", "agreement"),
        *("flagged", "doubted", "suspects", "files", "dealt_apart"),
    ]
    assert report["doubted"] == len(report["suspects"]) == 3
    assert {row["path"] for row in report["suspects"]} == {names[row] for row in FLIPS}
    assert {row["split"] for row in report["suspects"]} == {"train", "validation", "test"}
    by_path = {row["path"]: row for row in report["suspects"]}
    assert (by_path[HOSTILE]["given"], by_path[HOSTILE]["suggested"]) == ("across", "along")
    shares = [row["probability_given"] for row in report["suspects"]]
    assert shares == sorted(shares)
    assert shares[-1] < 0.5
    paths = [cell(row["path"]) for row in report["suspects"]]
    assert [row["path"] for row in rows_of(run)] == paths
    columns = ["path", "given", "suggested", "probability_given", "probability_suggested"]
    assert list(rows_of(run)[0]) == [*columns, "flagged", "split"]
    page = (run.label_errors / "suspects.html").read_text()
    assert page.count("<img ") == 3
    assert "along/&lt;b&gt;\\udce9\\x1b[31m.png" in page
    assert report["files"] == [str(run.label_errors / f"suspects.{k}") for k in ("csv", "html")]


def test_the_table_is_said_with_what_to_think_of_it(judged, capsys):
    rename_images(judged, [*(f"along/{n}" for n in range(4)), HOSTILE])
    assert labels(judged) == 0
    said = capsys.readouterr()
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    assert lines[1] == "1 across 10.0 % along 90.0 % across/07.png"
    assert lines[2] == "2 across 20.0 % along 80.0 % along/<b>\\udce9\\x1b[31m.png"
    assert "\x1b[31m" not in said.out
    assert f"of {COUNT} labels are flagged" in said.out
    assert "about half of such flags are wrong" in said.out
    assert f"run 'tune labels {judged.argument} --serve'" in said.out
    assert "then start a new run" in said.out
    assert f"wrote {judged.label_errors / 'suspects.html'}" in said.out
    assert "judged in" in said.err


def test_no_more_are_listed_than_asked_for_and_the_first_are(judged, capsys):
    assert labels(judged, "--json", "--limit", "1") == 0
    report = json.loads(capsys.readouterr().out)
    assert [row["path"] for row in report["suspects"]] == ["across/07.png"]
    assert report["doubted"] == 2
    assert len(rows_of(judged)) == 1
    assert (judged.label_errors / "suspects.html").read_text().count("<img ") == 1


@pytest.mark.parametrize("option", [["--port", "1"], ["--corrections", "mine.csv"]])
def test_options_of_the_page_without_it_are_refused(judged, option, capsys):
    assert labels(judged, *option) == 2
    assert f"{option[0]} goes with --serve alone" in capsys.readouterr().err


def test_images_and_the_rest_of_the_run_stay_as_they_are(judged):
    before = {path: path.stat().st_mtime_ns for path in judged.path.rglob("*") if path.is_file()}
    assert labels(judged) == 0
    after = {path: path.stat().st_mtime_ns for path in judged.path.rglob("*") if path.is_file()}
    written = {path.relative_to(judged.path).as_posix() for path in set(after) - set(before)}
    assert written == {"labels/suspects.csv", "labels/suspects.html"}
    assert before.items() <= after.items()


@pytest.mark.parametrize("missing", ["images", "groups"])
def test_a_run_of_an_older_version_is_told_what_writes_the_rest(run, missing, capsys):
    path = getattr(run, missing)
    path.unlink(missing_ok=True)
    if missing == "images":
        run.older_images.unlink()
    assert labels(run) == 1
    said = capsys.readouterr().err
    assert f"has no {path.name}" in said
    assert f"'tune run --resume {run.argument}' writes what is missing" in said


def test_a_run_without_finished_trials_is_told_how_to_go_on(transfer, tmp_path, capsys):
    run = copied_run(transfer, tmp_path)
    assert labels(run) == 1
    way_on = f"go on with 'tune run --resume {run.argument}'"
    assert f"no trial has finished yet; {way_on}" in capsys.readouterr().err


def test_fewer_folds_are_said_and_so_is_that_whole_models_are_trained(
    scratch, tmp_path, monkeypatch, capsys
):
    asked = []

    def half(*_, folds, **__):
        asked.append(folds)
        return np.full((COUNT, 2), 0.5, np.float32)

    monkeypatch.setattr(suspects, "out_of_fold", half)
    run = judged_run(scratch, tmp_path, "cnn")
    assert labels(run, "--folds", "20") == 0
    assert asked == [12]  # images a class
    said = capsys.readouterr()
    assert "12 folds instead of 20" in said.err
    assert "is trained 12 times anew, for 1 epoch each" in said.err
    assert f"No label of {COUNT} is in doubt" in said.out


def pressed(*args, **options):
    raise KeyboardInterrupt


def test_ctrl_c_while_heads_are_trained_leaves_nothing(run, monkeypatch, capsys):
    monkeypatch.setattr(out_of_fold, "train_epochs", pressed)
    assert labels(run) == 130
    assert not run.label_errors.exists()
    assert "interrupted" in capsys.readouterr().err


def test_ctrl_c_while_images_are_read_leaves_nothing(judged, monkeypatch):
    monkeypatch.setattr(suspects, "thumbnails", pressed)
    assert labels(judged) == 130
    assert not judged.label_errors.exists()


def test_a_run_writes_down_which_images_are_copies_of_one_another(sample, tmp_path):
    catalog, pixels = sample
    copied = replace(catalog.kept[0], path="copy.png")
    more = replace(catalog, entries=(*catalog.entries, copied))
    run = RunFolder(tmp_path / "run")
    save_data(run, more, [pixels], split_by_group(more))
    groups = np.load(run.groups)
    assert len(groups) == len(more.kept)
    assert groups[-1] == groups[0]
    assert len(set(groups)) > len(groups) / 2
