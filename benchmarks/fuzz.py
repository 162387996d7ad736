"""Send thousands of broken images through the real check, then verify its verdicts.

    python benchmarks/fuzz.py --files 5000 --seconds 300 --seed 0

Takes files of `attack/broken_images.py` and prepares the folder as `tune run` does. Afterwards
every file goes through Pillow once more, and through TensorFlow where it knows the format, one by
one, in a process with a limit of time and memory, with code that shares nothing with the check but
the decoders. Prints a JSON summary; exits 1 where the check was wrong:

    lost         dropped, though both decoders read it
    unreadable   kept, though a decoder does not read it
    different    kept, and its prepared pixels are not those of its file
"""

import json
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import click
import numpy as np
from attack.broken_images import write_files
from decoders import SIZE, decode_with_both, prepared_again

from data_pipeline.preparation.prepare import prepare
from data_pipeline.processes.limits import Failure
from data_pipeline.processes.workers import run_in_workers

HALF = 1e-3  # a float32 sum of some thousand terms up to 255 is off by less
CHUNKS = 20  # files are drawn, checked and verified by so many parts of the whole
BOTH = {"pillow": "", "tensorflow": ""}


def is_row(row: np.ndarray, expected: np.ndarray) -> bool:
    """Whether a row is rounded; what all but stands on a half may go either way."""
    differ = np.abs(row - expected) > 0.5
    return bool(np.all(np.abs(np.abs(row - expected)[differ] - 0.5) < HALF))


def verify(root: Path, entries: list, rows: np.ndarray, wrong: dict[str, list]) -> Counter:
    """Hold every verdict against the two decoders, and every kept row against its file."""
    reasons: Counter = Counter()
    by_path = {str(root / entry.path): entry for entry in entries}
    for path, said in run_in_workers(decode_with_both, list(by_path)):
        entry = by_path[path]
        reasons[entry.reason.split(":")[0] or "kept"] += 1
        readable = said == BOTH
        if readable and entry.verdict == "bad":
            wrong["lost"].append([Path(path).name, entry.reason])
        if not readable and entry.verdict == "kept":
            wrong["unreadable"].append([Path(path).name, getattr(said, "reason", said)])
    kept = [str(root / entry.path) for entry in entries if entry.verdict == "kept"]
    expected = dict(zip(kept, rows, strict=True))
    for path, row in run_in_workers(prepared_again, kept):
        if isinstance(row, Failure) or not is_row(expected[path].astype(np.float32), row):
            wrong["different"].append([Path(path).name, getattr(row, "reason", "")])
    return reasons


@click.command()
@click.option("--files", type=click.IntRange(1), default=5000, show_default=True)
@click.option("--seconds", type=click.FloatRange(1), default=300.0, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--keep-wrong", type=click.Path(path_type=Path), help="Folder for wrong files.")
def main(files: int, seconds: float, seed: int, keep_wrong: Path | None) -> None:
    """Check mutated images, and the check."""
    started, checking, done = time.monotonic(), 0.0, 0
    wrong: dict[str, list] = {"lost": [], "unreadable": [], "different": []}
    mutations: Counter = Counter()
    reasons: Counter = Counter()
    step = max(50, -(-files // CHUNKS))
    while done < files and time.monotonic() - started < seconds:
        numbers = range(done, min(files, done + step))
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "photos"
            mutations += write_files(root, numbers, seed)
            before = time.monotonic()
            catalog, (pixels,) = prepare(root, image_sizes=[SIZE], cache_dir=Path(folder) / "cache")
            checking += time.monotonic() - before
            reasons += verify(root, list(catalog.entries), np.array(pixels.open()), wrong)
            for name, *_ in (found for kind in wrong.values() for found in kind):
                if keep_wrong is not None and (at := next(root.rglob(name), None)):
                    keep_wrong.mkdir(parents=True, exist_ok=True)
                    (keep_wrong / name).write_bytes(at.read_bytes())
        done = numbers.stop
    summary = {
        "files": done,
        "seed": seed,
        "seconds": round(time.monotonic() - started, 1),
        "seconds_checking": round(checking, 1),
        "mutations": dict(mutations.most_common()),
        "verdicts": dict(reasons.most_common()),
        "peak_mib_of_this_process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        **{kind: len(found) for kind, found in wrong.items()},
        "examples": {kind: found[:10] for kind, found in wrong.items() if found},
    }
    click.echo(json.dumps(summary, indent=1))
    sys.exit(any(wrong.values()))


if __name__ == "__main__":
    main()
