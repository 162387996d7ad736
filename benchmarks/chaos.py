"""Kill a search and all its workers at random moments until it ends; compare with one left alone.

    python benchmarks/chaos.py DATA --kills 100

Prints, as JSON, how often it was killed, how long both took, and whether the tables are equal:
the same trials with the same values, statuses and, bit for bit, the same scores.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from search.run_folder.paths import RunFolder
from search.run_folder.record_files import load_records


def table(run):
    return [
        [r.trial_id, r.configuration, r.values, r.epochs, r.status, r.score, r.best_epoch]
        for r in load_records(run)
    ]


def repeated(run):
    """Trials that were finished and yet have more epochs in their history than were asked for."""
    return [
        record.trial_id
        for record in load_records(run)
        if [logs["epoch"] for logs in record.history]
        != list(range(record.initial_epoch, record.epochs))
    ]


def search(arguments, log, seconds=None):
    """Run until the end, or kill the whole process group after so many seconds; True if ended."""
    with log.open("a") as out:
        process = subprocess.Popen(arguments, stdout=out, stderr=out, start_new_session=True)
        try:
            return process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return False


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False))
@click.option("--kills", default=100, help="Kills at most.")
@click.option("--earliest", default=3.0, help="Seconds until the first moment of a kill.")
@click.option("--latest", default=20.0, help="Seconds until the last.")
@click.option("--limit", default=3000.0, help="Seconds for all of it.")
@click.option("--seed", default=0)
@click.argument("options", nargs=-1)
def main(data, kills, earliest, latest, limit, seed, options):
    """Options behind `--` go to `tune run`."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    tune = [str(Path(sys.executable).with_name("image-tune")), "run"]
    shared = ["--results", str(folder), "--cache-dir", str(folder / "cache")]
    begin = [*tune, data, *shared, "--deterministic", *options]
    start = time.monotonic()
    assert search([*begin, "--name", "calm"], folder / "calm.log"), (
        folder / "calm.log"
    ).read_text()
    calm_seconds = time.monotonic() - start

    moments, count, hit = random.Random(seed), 0, folder / "hit"
    start = time.monotonic()
    while True:
        again = [*tune, "--resume", "hit", *shared]
        arguments = again if (hit / "config.json").exists() else [*begin, "--name", "hit"]
        spare = count < kills and time.monotonic() - start < limit
        if search(
            arguments, folder / "hit.log", moments.uniform(earliest, latest) if spare else None
        ):
            break
        if not spare:
            sys.exit((folder / "hit.log").read_text()[-3000:])
        count += 1
    calm, hit = RunFolder(folder / "calm"), RunFolder(folder / "hit")
    result = {
        "kills": count,
        "trials": len(table(calm)),
        "calm_seconds": round(calm_seconds, 1),
        "hit_seconds": round(time.monotonic() - start, 1),
        "tables_equal": table(calm) == table(hit),
        "incomplete_histories": repeated(hit),
        "folder": str(folder),
    }
    print(json.dumps(result, indent=1))
    sys.exit(0 if result["tables_equal"] and not result["incomplete_histories"] else 1)


if __name__ == "__main__":
    main()
