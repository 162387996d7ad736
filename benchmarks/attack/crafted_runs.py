"""The cases of folders of a run that a stranger has crafted."""

from dataclasses import replace
from pathlib import Path

from crafting import ESCAPES, MARKUP, bomb, json_cases, linked, pickled

from search.run_folder.images import Images
from search.run_folder.paths import RunFolder

HUGE = (10**12, 2**63, -1, 1e308, float("nan"))


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
        ],
    )
    yield "images.columns: a path outside", lambda: changed(run, paths=f"../../../..{outside}")
    for root in (outside.parent, Path("/")):
        yield f"images.columns: {root}", lambda root=root: changed(run, root=root)
    yield "images.columns: a device", lambda: linked(run / "images.columns", Path("/dev/zero"))
    yield "known.columns: a device", lambda: linked(run / "known.columns", Path("/dev/zero"))
    yield "trials: a link to a file outside", lambda: linked(run / first, outside)
    yield "targets.npy: pickled code", lambda: pickled(run / "targets.npy", canary)
    yield "known.npz: pickled code", lambda: as_of_older(run, canary)
    yield "splits.npz: a small zip of zeros", lambda: bomb(run / "splits.npz", "train.npy")
    yield "learnt.json: nested", lambda: (run / "learnt.json").write_text("[" * 10**5)
    yield "config.json: nested", lambda: (run / "config.json").write_text('{"a":' * 10**5)
    yield "config.json: 1e999", lambda: (run / "config.json").write_text('{"seed": 1e999}')
    for name in ("oracle/oracle.json", "finalists.json", "latencies.json", "lock_box.json"):
        yield f"{name}: a device", lambda name=name: linked(run / name, Path("/dev/zero"))


def changed(run, *, paths=None, root=None):
    """Give the images of a run another path, all the same, or another root."""
    folder = RunFolder(run)
    images = Images.load(folder)
    paths = [paths] * len(images.paths) if paths else images.paths
    replace(images, paths=paths, root=root or images.root).save(folder)


def as_of_older(run, canary):
    """What older versions wrote of the images that were trained on, as pickled code."""
    (run / "known.columns").unlink(missing_ok=True)
    pickled(run / "known.npz", canary)
