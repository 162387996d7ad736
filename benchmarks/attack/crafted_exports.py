"""The cases of exports that a stranger has crafted."""

import io
import json
import zipfile
from pathlib import Path

import h5py
from crafting import ESCAPES, MARKUP, bomb, json_cases, linked, pickled


def export_cases(export, outside, canary):
    """Crafted exports."""
    model = export / "model.keras"
    yield from json_cases(
        export,
        [
            ("labels.json", ("labels",), [[ESCAPES, MARKUP], ["a"], ["a"] * 10**5, "ab", None]),
            ("labels.json", ("image_size",), [[4096, 4096], [0, 0], [-1, 5], "big", [10**9] * 2]),
            ("labels.json", ("threshold",), [2.0, "x", float("nan")]),
            ("labels.json", ("resize_mode",), [ESCAPES, "../x"]),
        ],
    )
    evil = {"module": "os", "class_name": "system", "config": f"touch {canary}"}
    lambda_layer = {"class_name": "__lambda__", "config": {"value": ["", None, None]}}
    for name, part in (
        ("os.system", evil),
        ("pathlib.touch", {"module": "pathlib", "class_name": "Path", "config": str(canary)}),
        ("a lambda", lambda_layer),
        ("TFSMLayer", {"module": "keras.layers", "class_name": "TFSMLayer", "config": {}}),
        ("get_file", {"module": "keras.utils", "class_name": "get_file", "config": {}}),
        ("a registered name", {**evil, "registered_name": "Package>Evil"}),
    ):
        yield f"model.keras: {name}", lambda part=part: configured(model, plant, part)
    for layer, key, value in (
        ("Dense", "units", 10**10),
        ("Resizing", "height", 10**6),
        ("Resizing", "interpolation", ESCAPES),
        ("Dense", "activation", "os.system"),
        ("Dense", "name", MARKUP),
        ("Dense", "dtype", "complex128"),
    ):
        arguments = (layer, key, value)
        name = f"model.keras: {layer} {key} {str(value)[:20]!r}"
        yield name, lambda arguments=arguments: configured(model, set_in, arguments)
    yield "model.keras: pickled code", lambda: pickled(model, canary)
    yield "model.keras: a link outside", lambda: linked(model, outside)
    yield "model.keras: a device", lambda: linked(model, Path("/dev/zero"))
    yield "model.keras: a member outside", lambda: replaced(model, f"../../..{canary}", b"x")
    yield "model.keras: a compressed member", lambda: bomb(model, "model.weights.h5")
    yield "model.keras: nested", lambda: replaced(model, "config.json", b'{"a":' * 10**5)
    yield "model.keras: no zip", lambda: model.write_bytes(b"PK\x05\x06" + bytes(18))
    yield "model.keras: weights outside", lambda: weights_outside(model, outside)
    yield "model.keras: 100,000 members", lambda: many(model)


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(path, contents):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def replaced(path, name, content):
    written(path, {**members(path), name: content})


def many(path):
    written(path, {**members(path), **{f"m/{number}": b"" for number in range(10**5)}})


def configured(path, change, argument):
    config = json.loads(members(path)["config.json"])
    change(config, argument)
    replaced(path, "config.json", json.dumps(config).encode())


def layers(config):
    if isinstance(config, dict):
        if "class_name" in config and isinstance(config.get("config"), dict):
            yield config
        config = list(config.values())
    for part in config if isinstance(config, list) else ():
        yield from layers(part)


def plant(config, part):
    dense = [layer for layer in layers(config) if layer["class_name"] == "Dense"][-1]
    dense["config"]["kernel_initializer"] = part


def set_in(config, argument):
    kind, key, value = argument
    for layer in layers(config):
        if layer["class_name"] == kind:
            layer["config"][key] = value


def weights_outside(path, outside):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["layers"] = h5py.ExternalLink(str(outside), "/")
    replaced(path, "model.weights.h5", buffer.getvalue())
