import io
import json
import math
import os
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import h5py
import keras
import keras_tuner
import numpy as np
import pytest

from models.errors import ModelError
from models.hypermodel import ImageClassifier
from models.known_good import default_values
from models.pretrained import weights
from models.pretrained.backbones import BACKBONES
from models.serving import with_preprocessing
from search.errors import TuneError
from search.inference.model_config import why_not_known, why_too_large
from search.inference.model_file import load_model_file

SIZE = (32, 32)


def served(family, backbone="mobilenet_075", image_size=SIZE):
    """A model as it leaves the house, untrained."""
    hypermodel = ImageClassifier(
        families=(family,),
        backbones=(backbone,),
        image_size=image_size,
        num_classes=3,
        compact=True,
        weights=None,
    )
    hp = keras_tuner.HyperParameters()
    hp.values.update(default_values(hypermodel, family))
    return with_preprocessing(
        hypermodel.build(hp), image_size=image_size, resize_mode="squeeze", num_classes=3
    )


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    model, path = served("cnn"), tmp_path_factory.mktemp("good") / "model.keras"
    model.save(path)
    return model, path


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, contents, compression=zipfile.ZIP_STORED):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name twice
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, content in contents.items() if isinstance(contents, dict) else contents:
                archive.writestr(name, content)
    return path


@pytest.fixture
def crafted(tmp_path, good):
    """A function that writes the good file with some members changed."""

    def craft(**changed):
        contents = members(good[1])
        for name, change in changed.items():
            member = next(known for known in contents if known.startswith(name))
            contents[member] = change(contents[member])
        return write(tmp_path / "crafted.keras", contents)

    return craft


def with_config(change):
    """A change of the configuration's parsed JSON, in place."""

    def changed(content):
        config = json.loads(content)
        change(config)
        return json.dumps(config)

    return changed


def with_weights(change):
    """A change of the open file of weights."""

    def changed(content):
        buffer = io.BytesIO(content)
        with h5py.File(buffer, "r+", libver="latest") as file:
            change(file)
        return buffer.getvalue()

    return changed


def layers(config, class_name):
    """All parts of a configuration of that class."""
    if isinstance(config, dict):
        if config.get("class_name") == class_name and "inbound_nodes" in config:
            yield config
        config = list(config.values())
    if isinstance(config, list):
        for part in config:
            yield from layers(part, class_name)


def refused(path, reason):
    with pytest.raises(TuneError) as caught:
        load_model_file(path)
    message = str(caught.value)
    assert reason in message
    assert message.startswith(f"{path}: ")
    assert "expected a model.keras file that 'tune export-best' wrote" in message
    assert "\n" not in message
    assert len(message) < 500 + len(str(path))


def test_a_file_that_we_wrote_loads_and_predicts_the_same(good):
    model, path = good
    pictures = np.random.default_rng(0).integers(0, 256, (2, 50, 40, 3), np.uint8)
    loaded = load_model_file(path)
    np.testing.assert_array_equal(
        loaded.predict_on_batch(pictures), model.predict_on_batch(pictures)
    )


# One backbone of each architecture: its sizes are made of the same layers.
ARCHITECTURES = {backbone.folder: name for name, backbone in reversed(BACKBONES.items())}.values()


@pytest.mark.parametrize(
    ("family", "backbone"),
    [("xception", ""), *(("transfer", name) for name in ARCHITECTURES)],
)
def test_the_layers_of_every_family_and_backbone_are_known(family, backbone):
    model = served(family, backbone or "mobilenet_075", image_size=(71, 71))
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    assert why_not_known(config) == ""
    held = 4 * sum(math.prod(variable.shape) for variable in model.variables)
    assert why_too_large(config, held) == ""
    assert f"declares {held // 4:,} weights" in why_too_large(config, held - 1)


def test_a_lambda_layer_is_refused_before_it_is_read(tmp_path):
    images = keras.Input((None, None, 3))
    x = keras.layers.Lambda(lambda pixels: pixels * 2)(images)
    x = keras.layers.GlobalAveragePooling2D()(x)
    keras.Model(images, x).save(tmp_path / "lambda.keras")
    refused(tmp_path / "lambda.keras", "'keras.layers'.'Lambda'".replace("'", ""))


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ({"module": "os", "class_name": "system", "config": "true"}, "os.system"),
        ({"module": "keras.layers", "class_name": "TFSMLayer", "config": {}}, "TFSMLayer"),
        ({"module": "keras.utils", "class_name": "get_file", "config": {}}, "get_file"),
        ({"class_name": "Dense", "config": {}}, "None.Dense"),
        ({"class_name": "__lambda__", "config": {"value": ["", None, None]}}, "__lambda__"),
        (
            {
                "module": "keras.layers",
                "class_name": "Dense",
                "config": {},
                "registered_name": "Package>Evil",
            },
            "none of our layers",
        ),
        ({"compile_config": {"loss": "mse"}}, "how to train"),
        (
            {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "int8"}},
            "computes in",
        ),
    ],
)
def test_what_our_models_are_not_made_of_is_refused(crafted, part, reason):
    def plant(config):
        next(layers(config, "Dense"))["config"]["kernel_initializer"] = part

    refused(crafted(config=with_config(plant)), reason)


def test_a_layer_that_fails_when_it_is_called_is_refused(crafted):
    def blur(config):
        next(layers(config, "Resizing"))["config"]["interpolation"] = "blur\x1b[2J"

    refused(crafted(config=with_config(blur)), "no model that can be called")


def test_a_layer_that_is_called_twice_is_refused(crafted):
    def double(config):
        dense = next(layers(config, "Dense"))
        dense["inbound_nodes"] *= 2

    refused(crafted(config=with_config(double)), "called twice")


def test_a_configuration_nested_too_deep_is_refused(crafted):
    refused(crafted(config=lambda _: b"[" * 100_000), "cannot be read")
    refused(crafted(config=lambda _: b'{"a":1}'), "describes no model")
    refused(crafted(config=lambda _: b" " * 2**23), "config.json has 8,388,608 bytes")


@pytest.mark.parametrize("units", [2**20, 2**40, 2**63, 10**30, -1])
def test_a_layer_that_declares_more_than_the_file_holds_is_refused(crafted, units):
    def inflate(config):
        next(layers(config, "Dense"))["config"]["units"] = units

    refused(crafted(config=with_config(inflate)), "")


def test_an_output_of_terabytes_is_refused(tmp_path):
    images = keras.Input((None, None, 3))
    x = keras.layers.Resizing(2**20, 2**20)(images)
    keras.Model(images, keras.layers.GlobalAveragePooling2D()(x)).save(tmp_path / "wide.keras")
    refused(tmp_path / "wide.keras", "puts out")


def test_what_comes_before_the_resize_is_refused(tmp_path):
    """Of an image of any size nobody knows how large it makes it."""
    images = keras.Input((None, None, 3))
    x = keras.layers.ZeroPadding2D(20_000)(images)
    x = keras.layers.Resizing(32, 32)(x)
    keras.Model(images, keras.layers.GlobalAveragePooling2D()(x)).save(tmp_path / "padded.keras")
    refused(tmp_path / "padded.keras", "ZeroPadding2D takes images of any size")


def virtual(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("elsewhere.h5", "data", (4,))
    file.create_virtual_dataset("v", layout)


ATTACKS_ON_HDF5 = {
    "an external link": lambda f: f.__setitem__("x", h5py.ExternalLink("/etc/passwd", "/")),
    "a soft link": lambda f: f.__setitem__("x", h5py.SoftLink("/layers")),
    "an object with two names": lambda f: f["layers"].__setitem__("again", f["/"]),
    "data in another file": lambda f: f.create_dataset(
        "x", (10,), "f4", external=[("/etc/passwd", 0, 40)]
    ),
    "a virtual dataset": virtual,
    "a reference in an attribute": lambda f: f.attrs.__setitem__("r", f["layers"].ref),
    "not numbers": lambda f: f.create_dataset("x", (1,), h5py.ref_dtype),
    "a named type": lambda f: f.__setitem__("x", np.dtype("f4")),
    "unknown filters": lambda f: f.create_dataset("x", (9,), "f4", chunks=(3,), compression="lzf"),
    "arrays of 4,3": lambda f: f.create_dataset("x", (2**40,), "f4", chunks=(1024,)),
    "arrays of 2,1": lambda f: f.create_dataset("x", (1,), "f4", chunks=(2**29,), maxshape=(None,)),
}


@pytest.mark.parametrize("reason", ATTACKS_ON_HDF5)
def test_weights_that_point_or_swell_are_refused(crafted, reason):
    refused(crafted(model=with_weights(ATTACKS_ON_HDF5[reason])), reason)


@pytest.mark.parametrize("reason", ATTACKS_ON_HDF5)
def test_so_are_weights_given_with_the_option(tmp_path, reason):
    with h5py.File(tmp_path / "given.h5", "w", libver="latest") as file:
        file["layers/dense/vars/0"] = np.ones(3, "f4")
        ATTACKS_ON_HDF5[reason](file)
    with pytest.raises(ModelError, match=reason):
        weights.count_values(tmp_path / "given.h5")


def test_a_model_without_all_of_its_weights_is_refused(crafted):
    def lose(file):
        inner = file["layers/functional/layers"]
        inner.move("dense", "dance")

    refused(crafted(model=with_weights(lose)), "no model that can be loaded")


def test_a_zip_bomb_given_as_weights_is_refused(tmp_path):
    bomb = {"model.weights.h5": bytes(2**24)}
    path = write(tmp_path / "bomb.keras", bomb, zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelError, match="16,777,216 bytes in a file of"):
        weights.count_values(path)


@pytest.mark.parametrize(
    "name",
    ["/etc/cron.d/evil", "../evil", "assets/../../evil", "..\\evil", "C:\\evil", "model\0.h5"],
)
def test_a_member_that_is_none_of_keras_is_refused(tmp_path, good, name):
    path = write(tmp_path / "evil.keras", members(good[1]) | {name: b"evil"})
    refused(path, "holds ")


def test_a_member_twice_a_lacking_one_and_a_link_are_refused(tmp_path, good):
    contents = members(good[1])
    twice = [*contents.items(), ("config.json", contents["config.json"])]
    refused(write(tmp_path / "twice.keras", twice), "twice")
    lacking = {name: content for name, content in contents.items() if name != "config.json"}
    refused(write(tmp_path / "lacking.keras", lacking), "lacks a part")
    link = zipfile.ZipInfo("config.json")
    link.external_attr = 0o120777 << 16
    linked = [(name, content) for name, content in contents.items() if name != "config.json"]
    refused(write(tmp_path / "link.keras", [*linked, (link, b"/etc/passwd")]), "is a link")


def test_a_zip_bomb_is_refused(tmp_path, good):
    contents = members(good[1]) | {"model.weights.h5": bytes(2**26)}
    path = write(tmp_path / "bomb.keras", contents, zipfile.ZIP_DEFLATED)
    refused(path, "compressed, which Keras never does")


def test_a_crowd_of_members_is_refused_before_it_is_listed(tmp_path):
    crowd = {f"assets/{number}": b"" for number in range(1000)}
    refused(write(tmp_path / "crowd.keras", crowd), "too many files")


def test_no_prefix_of_a_file_is_taken(tmp_path, good):
    whole = good[1].read_bytes()
    for part in (0, 1, 22, 100, len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut.keras").write_bytes(whole[:part])
        refused(tmp_path / "cut.keras", "cut short")


def test_a_flipped_bit_in_the_weights_is_noticed(tmp_path, good):
    contents = bytearray(good[1].read_bytes())
    contents[len(contents) // 2] ^= 1
    (tmp_path / "flipped.keras").write_bytes(contents)
    refused(tmp_path / "flipped.keras", "CRC")


def test_other_files_under_that_name_are_refused(tmp_path, good):
    (tmp_path / "text.keras").write_text("not a model\n" * 50)
    refused(tmp_path / "text.keras", "cut short, or no .keras file")
    with h5py.File(tmp_path / "renamed.keras", "w") as file:
        file["layers/dense/vars/0"] = np.ones(3)
    refused(tmp_path / "renamed.keras", "cut short, or no .keras file")
    (tmp_path / "model.h5").write_bytes(good[1].read_bytes())
    refused(tmp_path / "model.h5", "is a .h5 file")


def test_only_regular_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.keras")
    (tmp_path / "folder.keras").mkdir()
    (tmp_path / "device.keras").symlink_to("/dev/zero")
    (tmp_path / "nowhere.keras").symlink_to(tmp_path / "absent")
    for name in ("pipe", "folder", "device"):
        refused(tmp_path / f"{name}.keras", "not a regular file")
    refused(tmp_path / "nowhere.keras", "No such file")
    refused(tmp_path / "absent.keras", "No such file")


def test_a_model_that_takes_something_else_is_refused(tmp_path):
    numbers = keras.Input((4,))
    keras.Model(numbers, keras.layers.Dense(2)(numbers)).save(tmp_path / "other.keras")
    refused(tmp_path / "other.keras", "takes (None, 4)")


def test_refusing_takes_little_memory(crafted):
    """Two hostile files, each of which asks for terabytes, in a process of their own."""

    def inflate(config):
        next(layers(config, "Dense"))["config"]["units"] = 2**40

    first = crafted(config=with_config(inflate))
    second = first.with_name("second.keras")
    first.rename(second)
    third = crafted(model=with_weights(ATTACKS_ON_HDF5["arrays of 4,3"]))
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from search.errors import TuneError\n"
        "from search.inference.model_file import load_model_file\n"
        "import keras\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        "for path in sys.argv[1:]:\n"
        "    try: load_model_file(Path(path)); sys.exit('loaded')\n"
        "    except TuneError: pass\n"
        "print(peak() - before)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", program, second, third]
    done = subprocess.run(
        command, check=False, timeout=60, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 200 * 1024  # KiB
