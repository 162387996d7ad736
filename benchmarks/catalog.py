"""Measure how fast a folder is checked and prepared, compared with its decoders alone.

    python benchmarks/catalog.py DATA --rounds 3 --scale 2000,6000,60000

Prints, as JSON: images per second of Pillow and TensorFlow decoding every file and doing
nothing else, in the same workers; of `prepare` the first time at 96 and at 180 pixels; the
ratios; seconds of the second time. With `--scale`, the same for folders of so many links to
DATA's files: seconds, the driver's peak memory, and seconds of the second time.

Every figure is taken in a process of its own, with the start of its workers left out of
rates ("rate") and counted in ("with_start").
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import click
from decoders import decode_alone, wait_for_workers

SIZES = (96, 180)
LONGEST = 1800  # seconds, of one process


def measure(job, data, cache, size):
    """One job in this process: seconds in all, and seconds once workers could be started."""
    import resource

    from data_pipeline.preparation.prepare import prepare
    from data_pipeline.processes.workers import run_in_workers

    files = [path for path in data.rglob("*") if path.is_file()]
    start = time.monotonic()
    if job != "second":
        # The server of the workers has TensorFlow from here on.
        list(run_in_workers(wait_for_workers, files[:4]))
    ready = time.monotonic()
    if job == "decoders":
        for _ in run_in_workers(decode_alone, files):
            pass
    else:
        prepare(data, image_sizes=[(size, size)], cache_dir=cache)
    end = time.monotonic()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "rate": len(files) / (end - ready),
        "with_start": len(files) / (end - start),
        "seconds": end - start,
        "peak_mb": peak / 1024,
    }


def in_a_process(job, data, cache, size=0):
    command = [sys.executable, __file__, str(data), "--job", job]
    command += ["--cache", str(cache), "--size", str(size)]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=LONGEST, check=True)
    return json.loads(done.stdout)


def one_round(data):
    """Every figure once, one after the other: a busy moment falls on all alike."""
    figures = {"decoders": in_a_process("decoders", data, "none")}
    for size in SIZES:
        with tempfile.TemporaryDirectory(prefix="catalog-") as cache:
            figures[f"first_{size}"] = in_a_process("first", data, cache, size)
            figures[f"second_{size}"] = in_a_process("second", data, cache, size)
    return figures


def medians(rounds):
    middle = {
        name: {key: statistics.median(turn[name][key] for turn in rounds) for key in figures}
        for name, figures in rounds[0].items()
    }
    alone = middle["decoders"]
    report = {"decoders": {key: round(alone[key]) for key in ("rate", "with_start")}}
    for size in SIZES:
        first, second = middle[f"first_{size}"], middle[f"second_{size}"]
        report[f"prepare_{size}"] = {
            "rate": round(first["rate"]),
            "with_start": round(first["with_start"]),
            "of_the_decoders": round(first["rate"] / alone["rate"], 3),
            "of_the_decoders_with_start": round(first["with_start"] / alone["with_start"], 3),
            "second_time_seconds": round(second["seconds"], 2),
        }
    return report


def link_many(data, folder, count):
    """A folder with `count` files: those of DATA again and again, class by class."""
    files = sorted(path for path in data.rglob("*") if path.is_file())
    for number, file in enumerate(islice(cycle(files), count)):
        place = folder / file.relative_to(data).parent
        place.mkdir(parents=True, exist_ok=True)
        link = place / f"{number:07d}{file.suffix}"
        try:
            os.link(file.resolve(), link)
        except OSError:  # another disk; and links out of a folder are not followed
            (folder / ".files").mkdir(exist_ok=True)
            inside = folder / ".files" / f"{number % len(files)}{file.suffix}"
            if not inside.exists():
                inside.write_bytes(file.read_bytes())
            link.symlink_to(inside)


def at_scale(data, count):
    with tempfile.TemporaryDirectory(prefix="catalog-") as name:
        folder, cache = Path(name) / "data", Path(name) / "cache"
        link_many(data, folder, count)
        first = in_a_process("first", folder, cache, SIZES[0])
        second = in_a_process("second", folder, cache, SIZES[0])
    return {
        "files": count,
        "seconds": round(first["seconds"], 1),
        "peak_mb": round(first["peak_mb"]),
        "second_time_seconds": round(second["seconds"], 2),
        "second_time_peak_mb": round(second["peak_mb"]),
    }


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--rounds", default=3)
@click.option("--scale", default="", help="Numbers of files, with commas.")
@click.option("--job", type=click.Choice(["decoders", "first", "second"]), hidden=True)
@click.option("--cache", type=click.Path(path_type=Path), hidden=True)
@click.option("--size", default=0, hidden=True)
def main(data, rounds, scale, job, cache, size):
    if job:
        print(json.dumps(measure(job, data, cache, size)))
        return
    report = medians([one_round(data) for _ in range(rounds)]) if rounds else {}
    report["scale"] = [at_scale(data, int(count)) for count in scale.split(",") if count]
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
