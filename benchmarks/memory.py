"""Measure resident memory of driver and worker over many short trials of one search.

    python benchmarks/memory.py DATA --trials 200

Prints, as JSON, both after the 20th trial and after the last, the highest from there on, and the
growth to that in percent.
"""

import json
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import click

FIRST = 20  # trials, after which memory is to be flat


def resident(pid):
    """Return the resident memory of a process in megabytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def children(pid):
    """Processes below this one that are workers: the largest of them is the one that trains."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False))
@click.option("--trials", default=200)
@click.argument("options", nargs=-1)
def main(data, trials, options):
    """Options behind `--` go to `tune run`."""
    folder = Path(tempfile.mkdtemp(prefix="memory-"))
    arguments = [
        *(str(Path(sys.executable).with_name("image-tune")), "run", data, "--algo", "random"),
        *("--max-trials", str(trials), "--max-epochs", "1", "--results", str(folder)),
        *("--cache-dir", str(folder / "cache"), "--name", "many", *options),
    ]
    readings = {}
    start = time.monotonic()
    with (folder / "log").open("w") as out:
        process = subprocess.Popen(arguments, stdout=out, stderr=out)
        while process.poll() is None:
            done = len(list((folder / "many" / "trials").glob("*.npy")))
            with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                worker = max((resident(child) for child in children(process.pid)), default=0.0)
                if worker:  # the largest at each count: a worker that ends has given some back
                    before = readings.get(done, (0.0, 0.0))
                    readings[done] = (max(before[0], resident(process.pid)), max(before[1], worker))
            time.sleep(0.2)
    seen = sorted(count for count in readings if count >= FIRST)
    kinds = {}
    for place, kind in enumerate(("driver", "worker")):
        values = [readings[count][place] for count in seen]
        kinds[kind] = {
            "first_mb": round(values[0]),
            "last_mb": round(values[-1]),
            "highest_mb": round(max(values)),
            "growth_percent": round(100 * (max(values) / values[0] - 1), 1),
        }
    seconds = round(time.monotonic() - start, 1)
    print(json.dumps({"trials": seen[-1], "seconds": seconds, **kinds}, indent=1))


if __name__ == "__main__":
    main()
