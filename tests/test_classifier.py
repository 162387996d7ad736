"""`tune predict` on files as they come, with a model that only answers."""

import io
import json
import os
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from drawing import draw

from search.cli import _run, main
from search.errors import TuneError
from search.inference import classifier as module
from search.inference.classifier import Classifier, InputFile, input_files, load_classifier
from search.process.atomic_files import write_json


class Bright:
    """Answers with the share of full brightness, and remembers how much it was given at once."""

    def __init__(self):
        self.batches = []

    def predict_on_batch(self, pixels):
        self.batches.append(len(pixels))
        light = pixels.reshape(len(pixels), -1).mean(axis=1) / 255
        return np.stack([1 - light, light], axis=1)


@pytest.fixture
def classifier():
    return Classifier(Bright(), ("dark", "bright"), (8, 8), "squeeze")


@pytest.fixture
def export(tmp_path):
    """An exported folder, its model a mean over the image."""
    images = keras.Input((None, None, 3))
    small = keras.layers.Resizing(8, 8)(images)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(small))
    x = keras.layers.Dense(2, activation="softmax")(x)
    folder = tmp_path / "export"
    folder.mkdir()
    keras.Model(images, x).save(folder / "model.keras")
    about = {"labels": ["a", "b"], "image_size": [8, 8], "resize_mode": "squeeze"}
    write_json(folder / "labels.json", about)
    return folder


def fill(path, grey):
    from PIL import Image

    Image.new("L", (12, 10), grey).save(path, "PNG")
    return path


def test_one_answer_a_file_in_order_and_in_batches(tmp_path, classifier):
    greys = [(7 * number) % 256 for number in range(70)]
    files = [InputFile(fill(tmp_path / f"{n}.png", grey)) for n, grey in enumerate(greys)]
    (tmp_path / "5.png").write_text("words")
    files.insert(40, InputFile(tmp_path / "never opened", "a problem"))
    answers = list(classifier.predict(files))
    assert [answer.path for answer in answers] == [file.path for file in files]
    assert answers.pop(40).error == "a problem"
    assert answers[5].error.startswith("not an image")
    for grey, answer in list(zip(greys, answers, strict=True))[6:]:
        assert answer.probabilities["bright"] == pytest.approx(grey / 255, abs=1e-6)
    assert max(classifier.model.batches) <= module.BATCH


def test_below_its_threshold_a_model_says_that_it_is_unsure(tmp_path, classifier):
    picky = replace(classifier, threshold=0.75)
    files = [InputFile(fill(tmp_path / f"{grey}.png", grey)) for grey in (255, 140)]
    sure, unsure = picky.predict(files)
    assert sure.row()["label"] == "bright"
    assert not sure.row()["unsure"]
    assert unsure.row()["label"] is None
    assert unsure.row()["unsure"]
    assert unsure.row()["probabilities"]["bright"] == pytest.approx(140 / 255, abs=1e-6)
    assert "  unsure: bright 54.9 %, dark 45.1 %" in unsure.line()
    assert "unsure" not in sure.line()


def test_answers_that_are_no_numbers_are_errors(tmp_path, classifier):
    classifier.model.predict_on_batch = lambda pixels: np.full((len(pixels), 2), np.nan)
    (answer,) = classifier.predict([InputFile(fill(tmp_path / "one.png", 9))])
    assert answer.error == "the model's answer is no number"
    json.dumps(answer.row(), allow_nan=False)


def test_a_folder_is_walked_as_clean_walks_it(tmp_path):
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    for name in ("b.png", "deep/a.png", "deep/deeper/c.png", "deep/.hidden.png"):
        fill(tmp_path / name, 1)
    (tmp_path / "out.png").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe.png")
    found = {
        file.path.relative_to(tmp_path).as_posix(): file.problem for file in input_files([tmp_path])
    }
    assert found == {
        "b.png": "",
        "deep/a.png": "",
        "deep/deeper/c.png": "",
        "out.png": "symbolic link out of the folder",
        "pipe.png": "not a regular file",
    }
    with pytest.raises(TuneError, match="no such file or folder"):
        input_files([tmp_path / "absent"])


def test_a_folder_that_cannot_be_listed_costs_its_own_line(tmp_path, monkeypatch):
    for name in ("locked", "open"):
        (tmp_path / name).mkdir()
        fill(tmp_path / name / "one.png", 1)
    listed = os.scandir

    def refuse(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = [(file.path.name, file.problem) for file in input_files([tmp_path])]
    assert found == [("locked", "unreadable: Permission denied"), ("one.png", "")]


def test_odd_names_are_shown_on_one_line_and_kept_in_json(export, tmp_path, capsys):
    folder = tmp_path / "odd"
    folder.mkdir()
    names = [
        b"-rf.png",
        b"a\nb.png",
        b"caf\xe9.png",
        b'quo"te.png',
        b"\x1b[2J.png",
        "ü.png".encode(),
    ]
    for name in names:
        fill(os.fsdecode(os.path.join(os.fsencode(folder), name)), 1)  # noqa: PTH118
    assert _run(["predict", str(export), str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(names)
    assert not any("\x1b" in line for line in lines)
    assert any("a\\nb.png" in line for line in lines)
    assert _run(["predict", str(export), str(folder), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert sorted(os.fsencode(Path(row["path"]).name) for row in rows) == sorted(names)
    assert {row["error"] for row in rows} == {None}


def test_a_name_with_a_leading_dash_follows_two_dashes(export, tmp_path, monkeypatch, capsys):
    fill(tmp_path / "--json", 1)
    monkeypatch.chdir(tmp_path)
    assert _run(["predict", str(export), "--", "--json"]) == 0
    assert capsys.readouterr().out.startswith("--json  ")


def test_names_that_are_no_text_go_out_as_they_are(export, tmp_path, monkeypatch):
    odd = os.fsencode(tmp_path) + b"/caf\xe9.png"
    fill(os.fsdecode(odd), 1)
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, "utf-8", write_through=True))
    monkeypatch.setattr(sys, "argv", ["tune", "predict", str(export), os.fsdecode(odd), "--csv"])
    with pytest.raises(SystemExit, match="0"):
        main()
    assert odd in out.getvalue()


def test_names_that_are_no_text_are_read_from_the_input(export, tmp_path, monkeypatch, capsys):
    names = [b"caf\xe9.png", b" one.png"]
    paths = [os.fsencode(tmp_path) + b"/" + name for name in names]
    for path in paths:
        fill(os.fsdecode(path), 1)
    lines = io.BytesIO(b"\n\n".join(paths))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(lines, "utf-8"))
    assert _run(["predict", str(export), "-", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [os.fsencode(row["path"]) for row in rows] == paths


def test_labels_must_be_there_and_fit_the_model(export):
    write_json(
        export / "labels.json",
        {
            "labels": ["a", "b", "c"],
            "image_size": [8, 8],
            "resize_mode": "squeeze",
        },
    )
    with pytest.raises(TuneError, match=r"names 3 classes, and .*model\.keras gives 2"):
        load_classifier(str(export))
    (export / "labels.json").unlink()
    with pytest.raises(TuneError, match=r"labels\.json: No such file"):
        load_classifier(str(export))


def test_labels_that_name_another_image_size_are_refused(export):
    """Else images would be read at 4096×4096 for a model of 8×8."""
    about = {"labels": ["a", "b"], "image_size": [4096, 4096], "resize_mode": "squeeze"}
    write_json(export / "labels.json", about)
    with pytest.raises(
        TuneError, match=r"\(4096, 4096\), and .*model\.keras resizes them to \(8, 8"
    ):
        load_classifier(str(export))


def test_a_crafted_model_is_an_error_and_no_traceback(export, capsys):
    with zipfile.ZipFile(export / "model.keras", "a") as archive:
        archive.writestr("../evil", "evil")
    assert _run(["predict", str(export), str(export)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert "holds ../evil" in said
    assert said.count("\n") == 1


def test_drawn_images_are_read_whatever_their_names(export, tmp_path):
    draw(1).save(tmp_path / "picture.txt", "WEBP")
    (answer,) = load_classifier(str(export)).predict(input_files([tmp_path / "picture.txt"]))
    assert set(answer.probabilities) == {"a", "b"}


def test_no_paths_at_all_are_said_to_be_none():
    with pytest.raises(TuneError, match="^no paths given$"):
        input_files(())
