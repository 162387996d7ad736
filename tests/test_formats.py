import json
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from finished_runs import in_this_process
from small_trials import values_for

from models.serving import in_float32, with_preprocessing
from search.cli.export import export_best_command
from search.errors import TuneError
from search.export.folder import export_folder
from search.formats.format import Format, Source, in_batches
from search.formats.latency import Latency
from search.formats.litert import open_litert
from search.formats.measuring import Measured, measure_file
from search.formats.parity import check, require
from search.formats.registry import FORMATS, flagged, require_packages
from search.formats.write import write_format
from search.run_folder.paths import RunFolder
from search.trial.predictions import predict_rows
from search.trial.training import Training


@pytest.fixture(scope="module")
def trained(scratch):
    """A small network that tells stripes along from stripes across, and is sure of it."""
    values = values_for(scratch, "cnn", learning_rate=0.01)
    training = Training(scratch, values, rows=scratch.train, seed=3)
    model = training.build()
    training.fit(model, initial_epoch=0, epochs=6, callbacks=[])
    rows = np.arange(len(scratch.targets))
    expected = predict_rows(model, scratch.pixels, rows)
    assert (expected.argmax(axis=1) == scratch.targets).all()
    return SimpleNamespace(
        model=model,
        images=np.asarray(scratch.pixels),
        expected=expected,
        size=scratch.config.image_size,
    )


def write(trained, model, name, folder):
    finished = with_preprocessing(
        model, image_size=trained.size, resize_mode="squeeze", num_classes=2
    )
    source = Source(model, finished, trained.size, 2, trained.images)
    return write_format(source, name, folder)


@pytest.fixture(scope="module")
def written(trained, tmp_path_factory):
    """Every file once, as it is needed."""
    folder, done = tmp_path_factory.mktemp("export"), {}

    def get(name):
        if name == "onnx":
            pytest.importorskip("tf2onnx", reason="tf2onnx is not installed here")
        if name not in done:
            done[name] = write(trained, trained.model, name, folder)
        return done[name]

    return get


def parities(trained, name, path):
    """The gate's figures, without what a process of its own would measure besides."""
    answers = FORMATS[name].open(path)(trained.images)
    return check({name: Measured(answers, Latency(0.0, 0.0), 0, 0, 0.0)}, trained.expected)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_each_file_computes_what_the_model_does(trained, written, name):
    path = written(name)
    assert path.name == FORMATS[name].file
    (parity,) = found = parities(trained, name, path)
    require(found)
    assert parity.difference < (0.1 if name == "litert-int8" else 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["keras", "litert", "litert-int8", "onnx"])
def test_a_file_that_prepares_its_pixels_twice_does_not_pass(trained, name, tmp_path, capfd):
    if name == "onnx":
        pytest.importorskip("tf2onnx", reason="tf2onnx is not installed here")
    plain = in_float32(trained.model)  # uncompiled
    again = keras.Sequential(
        [keras.Input((*trained.size, 3)), keras.layers.Rescaling(1 / 127.5, -1.0), plain]
    )
    path = write(trained, again, name, tmp_path)
    assert capfd.readouterr() == ("", "")  # converters are talkative
    with pytest.raises(TuneError, match=FORMATS[name].file):
        require(parities(trained, name, path))


@pytest.mark.slow
def test_int8_is_inside_and_float_outside(written):
    interpreter = tf.lite.Interpreter(str(written("litert-int8")))
    (given,), (answers,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert (given["dtype"], answers["dtype"]) == (np.float32, np.float32)
    tensors = interpreter.get_tensor_details()
    inside = [t["dtype"] for t in tensors if len(t["shape"]) == 4 and t["index"] != given["index"]]
    assert set(inside) == {np.int8}
    assert len(inside) > 4
    # The last layer: its weights, and the features that it is given.
    last = [t["dtype"] for t in tensors if len(t["shape"]) == 2 and t["shape"][1] > 2]
    assert last.count(np.float32) >= 2


@pytest.mark.slow
def test_an_operation_that_only_tensorflow_has_is_refused_for_litert(trained, tmp_path):
    images = keras.Input((*trained.size, 3))
    means = keras.layers.GlobalAveragePooling2D()(images)
    strange = keras.ops.sinh(means / 256)
    model = keras.Model(images, keras.layers.Dense(1, activation="sigmoid")(strange))
    with pytest.raises(TuneError, match="cannot be written as litert"):
        write(trained, model, "litert", tmp_path)


@pytest.mark.slow
def test_the_exact_gelu_of_convnext_can_be_written_as_onnx(trained, tmp_path):
    pytest.importorskip("tf2onnx", reason="tf2onnx is not installed here")
    images = keras.Input((*trained.size, 3))
    x = keras.layers.Conv2D(4, 3)(images / 64 - 2)
    x = keras.layers.Flatten()(keras.layers.Activation("gelu")(x))
    model = keras.Model(images, keras.layers.Dense(1, activation="sigmoid")(x))
    expected = predict_rows(model, trained.images, np.arange(len(trained.images)))
    given = FORMATS["onnx"].open(write(trained, model, "onnx", tmp_path))(trained.images)
    np.testing.assert_allclose(given, expected, atol=1e-5)


@pytest.mark.slow
def test_litert_files_open_by_tensorflow_where_litert_is_not_installed(
    trained, written, monkeypatch
):
    expected = open_litert(written("litert"))(trained.images)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    given = open_litert(written("litert"))(trained.images)
    np.testing.assert_allclose(given, expected, atol=1e-5)


@pytest.mark.slow
def test_a_saved_model_answers_the_same_in_a_process_of_its_own(trained, written):
    path = written("saved_model")
    measured = measure_file("saved_model", path, trained.images, repeats=3)
    np.testing.assert_allclose(measured.probabilities, trained.expected, atol=1e-5)


def source_of(finished):
    return Source(None, finished, (8, 8), 2, np.zeros((1, 8, 8, 3), np.uint8))


def test_a_model_file_that_is_being_replaced_stays_whole_until_then(tmp_path):
    def save(path):
        path.write_bytes(b"half")
        raise OSError("disk full")

    (tmp_path / "model.keras").write_bytes(b"whole")
    with pytest.raises(OSError, match="disk full"):
        write_format(source_of(SimpleNamespace(save=save)), "keras", tmp_path)
    assert (tmp_path / "model.keras").read_bytes() == b"whole"


@pytest.mark.parametrize("name", ["litert", "litert-int8", "onnx"])
def test_what_a_converter_cannot_write_is_an_error_and_leaves_no_file(tmp_path, monkeypatch, name):
    class Fixed:
        input_shape = (None, 8, 8, 3)

        def __call__(self, images):
            return images

        def export(self, path, **_):
            fail()

    def fail(**_):
        (tmp_path / FORMATS[name].file).write_bytes(b"half a file")
        raise NotImplementedError("no such operation\nat line 5")

    fixed = Fixed()
    if name == "litert-int8":  # its converter is called by us, not by Keras
        fixed = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.GlobalMaxPooling2D()])
        monkeypatch.setattr(tf.lite.experimental, "QuantizationDebugger", fail)
    monkeypatch.setattr("models.serving.with_fixed_size", lambda *_, **__: fixed)
    if name == "onnx":
        monkeypatch.setitem(sys.modules, "onnxruntime", SimpleNamespace())
    with pytest.raises(TuneError, match=rf"cannot be written as {name} \(no such operation\)"):
        write_format(source_of(None), name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_found_before_anything_is_trained(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    require_packages(("keras", "saved_model", "litert"))
    with pytest.raises(TuneError, match=r"onnx and onnxruntime and tf2onnx.*image-tune\[onnx\]"):
        require_packages(("litert", "onnx"))


class Toy:
    """A format whose files are JSON: the model's answer to every image, whatever it shows."""

    def __init__(self, spoilt=0.0):
        self.row = Format(
            name="toy",
            title="Toy",
            file="model.json",
            write=self.write,
            open=self.open,
            fixed_size=False,
        )
        self.spoilt = spoilt

    def write(self, source, path):
        path.write_text(json.dumps([0.25, 0.75]))

    def open(self, path):
        answer = np.array(json.loads(path.read_text()), np.float32) + (self.spoilt, -self.spoilt)
        return in_batches(lambda images: np.tile(answer, (len(images), 1)))


@pytest.mark.parametrize("spoilt", [0.0, 0.01])
def test_a_new_format_is_one_row(tmp_path, monkeypatch, spoilt):
    monkeypatch.setitem(FORMATS, "toy", Toy(spoilt).row)
    path = write_format(source_of(None), "toy", tmp_path)
    assert path == tmp_path / "model.json"
    images = np.zeros((40, 8, 8, 3), np.uint8)
    measured = in_this_process("toy", path, images)
    assert measured.size == len("[0.25, 0.75]")
    found = check({"toy": measured}, np.tile(np.float32([0.25, 0.75]), (40, 1)))
    assert (found[0].figures().format, found[0].figures().file) == ("toy", "model.json")
    if not spoilt:
        require(found)
        return
    with pytest.raises(TuneError, match=r"model\.json .*off by 0\.01.*without --format toy"):
        require(found)


def test_the_files_of_a_new_format_are_replaced_with_the_export(tmp_path, monkeypatch):
    monkeypatch.setitem(FORMATS, "toy", Toy().row)
    run = RunFolder(tmp_path)
    run.export.mkdir()
    for name in ("model.json", "mine.json"):
        (run.export / name).write_text("{}")
    with export_folder(run):
        pass
    assert [path.name for path in run.export.iterdir()] == ["mine.json"]


def test_the_command_line_offers_each_format_once():
    parameters = {parameter.opts[0]: parameter for parameter in export_best_command.params}
    assert list(parameters["--format"].type.choices) == list(FORMATS)
    own = [row.option for row in flagged()]
    assert [option for option in parameters if option in own] == own == ["--int8"]
    assert len({row.file for row in FORMATS.values()}) == len(FORMATS)
