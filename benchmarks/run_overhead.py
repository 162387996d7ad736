"""Measure what a whole `tune run` costs besides the training itself.

    python benchmarks/run_overhead.py DATA --weights FILE

Prints as JSON:
- second: the seconds from the start of a second `tune run` to its first training step, the median
  of several, and of the import of TensorFlow alone;
- share: the share of a search's wall-clock that is spent in training and validation steps.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

LIMIT = 30 * 60  # seconds for one search
SIZE = 96
SEARCH = ("--families", "cnn,xception", "--algo", "random", "--max-trials", "30")


def tune_run(data, folder, *options):
    """Seconds of a whole `tune run`, when it was started, and the folder of its trials."""
    tune = Path(sys.executable).with_name("image-tune")
    name = f"run-{len(list(folder.glob('run-*')))}"
    start = time.time()
    command = [tune, "run", data, "--results", folder, "--cache-dir", folder / "cache"]
    command += ["--image-size", str(SIZE), "--name", name, *options]
    subprocess.run(command, check=True, timeout=LIMIT, capture_output=True)
    return time.time() - start, start, folder / name / "trials"


def second_run(data, weights, folder, rounds):
    """Until the end of the first trial, less its steps: no earlier than its first step."""
    options = ("--weights", weights, "--families", "transfer", "--algo", "random")
    options += ("--max-trials", "1", "--max-epochs", "1")
    waits = []
    for _ in range(rounds + 1):
        _, start, trials = tune_run(data, folder, *options)
        record = next(trials.glob("[0-9]*.json"))
        waits.append(
            record.stat().st_mtime - start - json.loads(record.read_text())["step_seconds"]
        )
    imports = []
    for _ in range(rounds):
        start = time.monotonic()
        subprocess.run([sys.executable, "-c", "import tensorflow"], check=True, capture_output=True)
        imports.append(time.monotonic() - start)
    return {
        "first_s": waits[0],
        "second_s": statistics.median(waits[1:]),
        "import_tensorflow_s": statistics.median(imports),
    }


def share_of_steps(data, folder, *options):
    """Seconds in training and validation steps over those of the whole program."""
    seconds, _, trials = tune_run(data, folder, *options)
    records = [json.loads(path.read_text()) for path in trials.glob("[0-9]*.json")]
    steps = sum(record["step_seconds"] for record in records)
    trials_alone = sum(record["seconds"] for record in records)
    return {
        "trials": len(records),
        "wall_s": seconds,
        "in_trials_s": trials_alone,
        "in_steps_s": steps,
        "share": steps / seconds,
    }


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--weights", type=click.Path(exists=True), required=True)
@click.option("--rounds", default=5, show_default=True)
@click.option(
    "--epochs", default=3, show_default=True, help="Of the search for the share of steps."
)
@click.option("--parts", default="second,share", show_default=True)
def main(data, weights, rounds, epochs, parts):
    found, parts = {}, parts.split(",")
    with tempfile.TemporaryDirectory(prefix="overhead-") as name:
        folder = Path(name)
        if "second" in parts:
            found["second_run"] = second_run(data, weights, folder, rounds)
        if "share" in parts:
            options = (*SEARCH, "--max-epochs", str(epochs))
            found["share_of_steps"] = share_of_steps(data, folder, *options)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
