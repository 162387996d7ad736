"""One small road from a folder of images to files that other programs load, in one process."""

import contextlib
import io
import json
import os
import re
import shutil
import signal
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from drawing import draw
from PIL import Image

from search.cli import _run
from search.inference.classifier import load_classifier
from search.observers.display import PlainDisplay

pytestmark = pytest.mark.slow

RUN = ["--families", "cnn,xception", "--max-epochs", "3", "--image-size", "32", "--seed", "1"]


def tune(*arguments):
    """Run a command here: status, out (as JSON where it was asked for) and err."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = _run([str(argument) for argument in arguments])
    text = out.getvalue()
    parsed = json.loads(text) if "--json" in arguments and status == 0 else None
    return SimpleNamespace(status=status, out=text, err=err.getvalue(), json=parsed)


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    """Draw, clean, begin a run that has no time, go on, press Ctrl-C, go on, export."""
    folder = tmp_path_factory.mktemp("road")
    data, results, cache = folder / "pictures", folder / "results", folder / "cache"
    where = ["--results", results]
    go_on = ["run", "--resume", "first", "--workers", "0", *where, "--cache-dir", cache]
    said = SimpleNamespace(data=data, results=results, cache=cache, run=results / "first")
    # Enough for the largest batch, 64: a batch of odd size may crash oneDNN in training.
    said.demo = tune("demo", data, "--pictures", "32")
    said.clean = tune("clean", data, "--cache-dir", cache, "--json")
    begin = ["run", data, *RUN, "--name", "first", "--workers", "0", "--cache-dir", cache, *where]
    said.begun = tune(*begin, "--max-time", "0.01s")
    said.refused = tune(*go_on, "--seed", "2", "--max-epochs", "3")
    said.stopped = _stopped_after(2, go_on)
    said.records_before = _records(said.run)
    said.finished = tune(*go_on, "--json")
    said.shown = tune("show", "--json", *where)
    formats = ["--format", "saved_model", "--format", "litert", "--int8", "--format", "onnx"]
    wished = ["--seeds", "0"]
    said.exported = tune("export-best", *formats, *wished, "--json", *where)
    said.export = said.run / "export"
    return said


def _stopped_after(count, arguments):
    """Press Ctrl-C when so many trials have ended."""
    ended = []
    real = PlainDisplay.trial_finished

    def pressed(display, record):
        real(display, record)
        ended.append(record)
        if len(ended) == count:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PlainDisplay, "trial_finished", pressed)
        return tune(*arguments)


def _records(run):
    return {path.name: path.read_bytes() for path in sorted((run / "trials").glob("*.json"))}


def test_the_sample_is_drawn_and_its_troubles_are_found(road):
    assert road.demo.status == 0
    assert road.clean.json["kept"] >= 96
    assert len(road.clean.json["bad_by_reason"]) >= 3
    assert road.clean.json["label_conflicts"]


def test_a_search_without_time_ends_cleanly_and_says_how_to_go_on(road):
    assert road.begun.status == 0
    assert "in 6 trials, 11 epochs in all, and more while there is time" in road.begun.err
    assert "time is up: 0 trials are finished" in road.begun.err
    assert f"go on with: tune run --resume {road.run}\n" in road.begun.err


def test_going_on_with_other_options_is_refused_with_what_differs(road):
    assert road.refused.status == 1
    assert "seed: was 1, now 2" in road.refused.err
    assert "max_epochs" not in road.refused.err


def test_ctrl_c_ends_cleanly_with_everything_saved(road):
    assert road.stopped.status == 130
    assert "2 of 6 trials are finished and saved" in road.stopped.err
    assert len(road.records_before) == 2


def test_a_resumed_search_finishes_the_plan_and_trains_nothing_again(road):
    assert road.finished.status == 0
    report = road.finished.json
    assert (report["trials"], report["finished"]) == (6, 6)
    assert len(report["configurations"]) == 5
    assert report["verdict"]
    after = _records(road.run)
    assert {name: after[name] for name in road.records_before} == road.records_before
    assert "trial 3 of 6" in road.finished.err


def test_known_good_configurations_were_among_the_trials(road):
    families = {
        row["configuration"]: row["values"]["family"] for row in road.shown.json["configurations"]
    }
    assert (families["0000"], families["0001"]) == ("cnn", "xception")


def test_no_training_state_is_left_over(road):
    assert not list((road.run / "checkpoints").glob("*.npz"))


def test_show_prints_what_run_printed_at_its_end(road):
    assert road.shown.json == road.finished.json


def test_the_winner_is_tested_once(road):
    assert road.exported.status == 0
    metrics = road.exported.json
    (chosen,) = [row for row in metrics["finalists"] if row["chosen"]]
    (tried,) = [
        row
        for row in road.shown.json["configurations"]
        if row["configuration"] == chosen["configuration"]
    ]
    assert metrics["configuration"] == tried["values"]
    assert metrics["epochs"] == tried["best_epoch"]
    assert metrics["lock_box_opened"] == 1
    low, high = metrics["accuracy_interval"]
    assert low <= metrics["accuracy"] <= high
    matrix = np.array(metrics["confusion_matrix"])
    assert matrix.sum() == metrics["pictures"] == road.shown.json["data"]["splits"]["test"]
    assert np.trace(matrix) / matrix.sum() == pytest.approx(metrics["accuracy"])
    assert all(Path(path).exists() for path in metrics["files"])


@pytest.fixture(scope="module")
def pictures(road):
    """Pixels of 4 images of the size that the model was trained at, and what Keras says."""
    pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    expected = load_classifier(str(road.export)).probabilities(pixels)
    assert expected.shape == (4, 3)
    np.testing.assert_allclose(expected.sum(axis=1), 1, atol=1e-5)
    assert np.ptp(expected) > 1e-3
    return pixels, expected


def test_the_code_of_the_card_answers_as_predict_does(road, tmp_path, monkeypatch, capsys):
    exif = Image.Exif()
    exif[0x0112] = 8
    draw(3).save(tmp_path / "photo.jpg", exif=exif)
    card = (road.export / "README.md").read_text()
    code = re.search(r"```python\n(.*?)```", card, re.DOTALL)[1]
    monkeypatch.chdir(road.export)
    exec(code.replace("photo.jpg", str(tmp_path / "photo.jpg")), {})
    printed = re.findall(r"'(\w+)': np.float32\((.*?)\)", capsys.readouterr().out)
    (answer,) = tune("predict", road.export, tmp_path / "photo.jpg", "--json").json
    assert {label: float(share) for label, share in printed} == pytest.approx(
        answer["probabilities"],
        abs=1e-3,  # a few pixels are rounded to the next level
    )


def test_the_saved_model_says_what_keras_says(road, pictures):
    pixels, expected = pictures
    served = tf.saved_model.load(str(road.export / "saved_model"))
    given = served.serve(tf.constant(pixels, tf.float32))
    np.testing.assert_allclose(np.asarray(given), expected, atol=1e-5)


def test_the_litert_file_says_what_keras_says(road, pictures):
    pixels, expected = pictures
    interpreter = tf.lite.Interpreter(str(road.export / "model.tflite"))
    (given,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(given["index"], pixels.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given["index"], pixels.astype(given["dtype"]))
    interpreter.invoke()
    np.testing.assert_allclose(interpreter.get_tensor(answer["index"]), expected, atol=1e-5)


def test_the_onnx_file_says_what_keras_says(road, pictures):
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed here")
    pixels, expected = pictures
    session = onnxruntime.InferenceSession(
        str(road.export / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name
    (given,) = session.run(None, {name: pixels.astype(np.float32)})
    np.testing.assert_allclose(given, expected, atol=1e-5)


def test_predict_and_evaluate_take_every_file_of_the_export(road):
    photo = next(path for path in sorted(road.data.rglob("*.png")))
    data = (road.data, "--cache-dir", road.cache, "--json")
    measured = tune("evaluate", road.export, *data).json["accuracy"]
    (expected,) = tune("predict", road.export, photo, "--json").json
    assert (expected["error"], len(expected["probabilities"])) == (None, 3)
    for name in ("model.tflite", "model.onnx"):
        (given,) = tune("predict", road.export / name, photo, "--json").json
        assert given["label"] == expected["label"]
        assert given["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-3)
        given = tune("evaluate", road.export / name, *data).json["accuracy"]
        assert given == pytest.approx(measured, abs=0.02)


def test_predict_names_files_it_cannot_read_and_answers_for_the_others(road, tmp_path):
    photo = next(path for path in sorted(road.data.rglob("*.png")))
    good = tmp_path / "good.png"
    shutil.copy(photo, good)
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no image")
    first, second = tune("predict", road.export, bad, good, "--json").json
    assert (first["label"], first["probabilities"]) == (None, {})
    assert first["error"]
    assert second["error"] is None
    shares = second["probabilities"]
    assert second["label"] == max(shares, key=shares.get)
    assert sum(shares.values()) == pytest.approx(1, abs=1e-4)
    assert set(shares) == set(road.shown.json["data"]["labels"])


def test_predict_takes_paths_from_standard_input_and_copies_photos_by_class(
    road, tmp_path, monkeypatch
):
    photos = [path for path in sorted(road.data.rglob("*.png"))][:3]
    paths = io.BytesIO("".join(f"{path}\n" for path in photos).encode())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(paths))
    rows = tune("predict", road.export, "-", "--copy-to", tmp_path / "to", "--json").json
    assert [row["path"] for row in rows] == [str(path) for path in photos]
    copied = sorted(path for path in (tmp_path / "to").rglob("*") if path.is_file())
    assert {path.parent.name for path in copied} <= {*rows[0]["probabilities"], "unsure"}
    assert len(copied) == 3


def test_predict_fails_where_no_file_can_be_read(road, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"no image")
    for form in ([], ["--csv"]):
        answered = tune("predict", road.export, tmp_path / "bad.jpg", *form)
        assert answered.status == 1
        assert "not an image" in answered.out


def test_predict_prints_csv_with_a_column_a_class(road, tmp_path):
    photo = next(path for path in sorted(road.data.rglob("*.png")))
    lines = tune("predict", road.export, photo, "--csv").out.splitlines()
    labels = road.shown.json["data"]["labels"]
    shares = [f"probability:{label}" for label in labels]
    assert lines[0] == ",".join(["path", "label", *shares, "unsure", "error"])
    assert len(lines) == 2
    assert lines[1].startswith(str(photo))


def test_evaluate_measures_a_labelled_folder(road):
    measured = tune("evaluate", road.export, road.data, "--cache-dir", road.cache, "--json").json
    assert measured["pictures"] == road.clean.json["kept"]
    assert measured["set_aside"] == sum(map(len, road.clean.json["bad_by_reason"].values()))
    correct = np.trace(np.array(measured["confusion_matrix"]))
    assert measured["accuracy"] == pytest.approx(correct / measured["pictures"])
    splits = road.shown.json["data"]["splits"]
    # A copy of an image to test on stays with it.
    assert measured["trained_on"] == splits["train"] + splits["validation"]
    assert 0 <= measured["accuracy_on_others"] <= 1


def test_evaluate_takes_one_class_and_says_what_was_trained_on(road, tmp_path):
    label = next(path.name for path in sorted(road.data.iterdir()) if path.is_dir())
    shutil.copytree(road.data / label, tmp_path / "one" / label)
    told = tune("evaluate", road.export, tmp_path / "one", "--cache-dir", tmp_path / "cache")
    assert told.status == 0
    assert "images were trained on, or are copies of such; on the other" in told.out


def test_evaluate_refuses_classes_that_the_model_does_not_know(road, photos, cache_dir):
    refused = tune("evaluate", road.export, photos, "--cache-dir", cache_dir)
    assert refused.status == 1
    assert "has classes that the model does not know: cat, dog" in refused.err


def test_the_exported_model_takes_photos_of_any_size(road):
    model = keras.models.load_model(road.export / "model.keras", compile=False)
    for height, width in ((50, 70), (32, 32), (20, 90)):
        assert model.predict(np.zeros((1, height, width, 3), np.uint8), verbose=0).shape == (1, 3)


def test_data_that_changed_since_is_refused(road, tmp_path):
    run, data = tmp_path / "results" / "first", tmp_path / "pictures"
    shutil.copytree(road.run, run)
    shutil.copytree(road.data, data)
    next(path for path in sorted(data.rglob("*.png"))).unlink()
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | {"data": str(data)}))
    refused = tune(
        *("run", "--resume", "first", "--workers", "0"),
        *("--results", tmp_path / "results", "--cache-dir", tmp_path / "cache"),
    )
    assert refused.status == 1
    assert "the images are not those that first was begun with" in refused.err


def test_the_same_images_at_another_place_are_gone_on_with(road, tmp_path):
    run, data = tmp_path / "results" / "first", tmp_path / "elsewhere" / "photos"
    shutil.copytree(road.run, run)
    shutil.copytree(road.data, data)
    gone_on = tune(
        *("run", data, "--resume", "first", "--workers", "0", "--json"),
        *("--results", tmp_path / "results", "--cache-dir", tmp_path / "cache"),
    )
    assert gone_on.status == 0
    assert gone_on.json["data"]["root"] == str(data)
    assert json.loads((run / "config.json").read_text())["data"] == str(data)
    assert gone_on.json["configurations"] == road.shown.json["configurations"]
