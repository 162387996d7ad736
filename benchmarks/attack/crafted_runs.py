"""The cases of folders of a run that a stranger has crafted."""

import json
from pathlib import Path

from crafting import ESCAPES, MARKUP, bomb, json_cases, linked, pickled

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


def paths_to(run, path):
    content = json.loads((run / "pictures.json").read_text())
    content["paths"] = [path] * len(content["paths"])
    (run / "pictures.json").write_text(json.dumps(content))
