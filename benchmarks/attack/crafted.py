"""Give a run and an export that a stranger has crafted to the commands that read them.

    python benchmarks/attack/crafted.py results/RUN --photo PHOTO

Each case changes one thing in a copy of a finished and exported run: a path that leads outside,
markup, escapes of a terminal, numbers that no file of ours holds, code where Keras would run it,
sizes that no memory has. Then every command that reads it is called in this process, in a memory
of 12 GiB. Counts what was refused in one line, what was answered; and what must not be: a
traceback, a hang, an escape of a terminal, a word of a file outside, or a file made there.
"""

import io
import json
import pickle
import resource
import shutil
import sys
import tempfile
import zipfile
from collections import Counter
from pathlib import Path

import click
import h5py
from answers import answer

SECRET = "f00d-of-a-file-outside"
ESCAPES = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202ekcatta"
MARKUP = "<script>window.ran=1</script>"
MEMORY = 12 * 2**30  # bytes
HUGE = (10**12, 2**63, -1, 1e308, float("nan"))


class Pickled:
    """Makes a file when it is unpickled."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return (Path.touch, (self.canary,))


def json_cases(folder, changes):
    """Yield (name, a change of a JSON file): each of some keys to each of some values."""
    for file, keys, values in changes:
        for key in keys:
            for value in values:

                def change(path=folder / file, key=key, value=value):
                    content = json.loads(path.read_text())
                    content[key] = value
                    path.write_text(json.dumps(content))

                yield f"{file}: {key} = {str(value)[:40]!r}", change


def run_cases(run, outside, canary):
    """Crafted folders of a run."""
    odd = [ESCAPES, MARKUP, "../" * 12 + "etc/passwd"]
    first = sorted((run / "trials").glob("*.json"))[0].relative_to(run)
    yield from json_cases(
        run,
        [
            ("config.json", ("algo", "data", "objective", "weights"), odd),
            ("config.json", ("max_epochs", "seed", "image_size"), HUGE),
            (first, ("reason", "status", "stopped_early", "trial_id", "configuration"), odd),
            (first, ("seconds", "score", "epochs", "bracket"), HUGE),
            ("data.json", ("root", "pixels"), [str(outside), "/dev/zero", "/proc/self/environ"]),
            ("data.json", ("labels",), [[ESCAPES, MARKUP], ["a"] * 10**5]),
            ("pictures.json", ("root",), [str(outside.parent), "/"]),
        ],
    )
    yield "pictures.json: a path outside", lambda: paths_to(run, f"../../../..{outside}")
    yield "trials: a link to a file outside", lambda: linked(run / first, outside)
    yield "targets.npy: pickled code", lambda: pickled(run / "targets.npy", canary)
    yield "known.npz: pickled code", lambda: pickled(run / "known.npz", canary)
    yield "splits.npz: a small zip of zeros", lambda: bomb(run / "splits.npz", "train.npy")
    yield "learnt.json: nested", lambda: (run / "learnt.json").write_text("[" * 10**5)
    yield "config.json: nested", lambda: (run / "config.json").write_text('{"a":' * 10**5)
    yield "config.json: 1e999", lambda: (run / "config.json").write_text('{"seed": 1e999}')
    for name in ("oracle/oracle.json", "finalists.json", "latencies.json", "lock_box.json"):
        yield f"{name}: a device", lambda name=name: linked(run / name, Path("/dev/zero"))


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
    yield "model.keras: a member outside", lambda: added(model, f"../../..{canary}", b"x")
    yield "model.keras: a compressed member", lambda: bomb(model, "model.weights.h5")
    yield "model.keras: nested", lambda: replaced(model, "config.json", b'{"a":' * 10**5)
    yield "model.keras: no zip", lambda: model.write_bytes(b"PK\x05\x06" + bytes(18))
    yield "model.keras: weights outside", lambda: weights_outside(model, outside)
    yield "model.keras: a million members", lambda: many(model)


def paths_to(run, path):
    content = json.loads((run / "pictures.json").read_text())
    content["paths"] = [path] * len(content["paths"])
    (run / "pictures.json").write_text(json.dumps(content))


def linked(path, target):
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def pickled(path, canary):
    path.write_bytes(pickle.dumps(Pickled(canary)))


def bomb(path, name):
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(name, "w") as out,
    ):
        for _ in range(1024):
            out.write(bytes(2**20))


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(path, contents):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def added(path, name, content):
    written(path, {**members(path), name: content})


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


def verdict(found, report, canary, outside_before, outside):
    """How a command ended; in capitals what must not be."""
    status, out, err = found
    page = report.read_text(errors="replace") if report.exists() else ""
    if canary.exists() or sorted(outside.parent.iterdir()) != outside_before:
        return "OUTSIDE WRITTEN"
    if isinstance(status, str):
        return "HANG" if status.startswith("HangError") else "TRACEBACK"
    if any(character in out + err for character in "\x1b\x07\x9b\u202e"):
        return "ESCAPE"
    if MARKUP in page:
        return "MARKUP"
    if SECRET in out + err + page:
        return "OUTSIDE READ"
    return "one line" if status == 1 else "answered"


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--photo", type=click.Path(exists=True, path_type=Path), required=True)
def main(run, photo):
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    counts, bad = {"run": Counter(), "export": Counter()}, []
    with tempfile.TemporaryDirectory() as folder:
        results, outside = Path(folder) / "results", Path(folder) / "outside" / "secret.json"
        copy, canary, report = results / run.name, Path(folder) / "canary", results / "page.html"
        outside.parent.mkdir()
        outside.write_text(json.dumps({"text": SECRET}))
        before = sorted(outside.parent.iterdir())
        shown = ["--results", str(results)]
        commands = {
            "run": [
                ["list", *shown],
                ["show", run.name, *shown, "--json"],
                ["show", run.name, *shown],
                ["report", run.name, *shown, "--output", str(report), "--measure", "0s"],
            ],
            "export": [
                ["predict", str(copy / "export"), str(photo)],
                ["predict", str(copy / "export"), str(photo), "--csv"],
            ],
        }
        results.mkdir()
        shutil.copytree(run, copy)
        cases = [("run", *case) for case in run_cases(copy, outside, canary)]
        cases += [("export", *case) for case in export_cases(copy / "export", outside, canary)]
        for kind, name, craft in cases:
            shutil.rmtree(copy)
            shutil.copytree(run, copy)
            craft()
            for words in commands[kind]:
                report.unlink(missing_ok=True)
                found = answer(words)
                ended = verdict(found, report, canary, before, outside)
                counts[kind][ended] += 1
                if ended.isupper():
                    bad.append(name)
                    print("  ", name, words[0], ended, found[0], sep=" | ", flush=True)
                canary.unlink(missing_ok=True)
    for kind, found in counts.items():
        number = sum(case[0] == kind for case in cases)
        print(f"{number} crafted {kind}s, {found.total()} calls: {dict(found)}")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
