"""Measure how many labels flipped on purpose `tune labels` finds, and in what time.

    python benchmarks/labels.py DATA --flips 40 --seeds 0,1,2 -- \
        --families transfer --image-size 96 --max-epochs 3

DATA holds one folder per class. Prints, as JSON, for each seed: of the flipped labels how many
stand among the first 40, 80 and 100 suspects, how many labels are flagged, and seconds of the
search and of the list. Options behind `--` go to `tune run`.
"""

import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

FIRST = (40, 80, 100)
LONGEST = 3600  # seconds, of one command
TUNE = str(Path(sys.executable).with_name("image-tune"))


def flipped_copy(data, folder, count, seed):
    """Copy DATA with `count` files under another class; returns the paths of these.

    Copies, since links out of a folder are not followed. Names keep the class they came from:
    two classes may use the same ones.
    """
    chance = random.Random(seed)
    classes = sorted(path for path in data.iterdir() if path.is_dir())
    flips = []
    for number, kind in enumerate(classes):
        files = sorted(kind.iterdir())
        share = (count + number) // len(classes)  # sums to `count`
        chosen = set(chance.sample(files, share))
        others = [other.name for other in classes if other != kind]
        for file in files:
            label = chance.choice(others) if file in chosen else kind.name
            path = f"{label}/{kind.name}-{file.name}"
            (folder / label).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, folder / path)
            if file in chosen:
                flips.append(path)
    return flips


def timed(*arguments):
    start = time.monotonic()
    done = subprocess.run(
        [TUNE, *arguments, "--json"], stdout=subprocess.PIPE, timeout=LONGEST, check=True
    )
    return json.loads(done.stdout), round(time.monotonic() - start, 1)


def one_seed(data, folder, flips, seed, options):
    moved = set(flipped_copy(data, folder / "photos", flips, seed))
    results = ("--results", str(folder / "results"))
    cache = ("--cache-dir", str(folder / "cache"))
    searched = ("run", str(folder / "photos"), *results, *cache, "--name", "flipped")
    _, search_seconds = timed(*searched, *options)
    report, seconds = timed("labels", "flipped", *results, "--limit", "1000")
    hits = [row["path"] in moved for row in report["suspects"]]
    return {
        "seed": seed,
        "pictures": report["pictures"],
        "flipped": len(moved),
        **{f"among_first_{first}": sum(hits[:first]) for first in FIRST},
        "flagged": report["flagged"],
        "flagged_and_flipped": sum(
            row["flagged"] and hit for row, hit in zip(report["suspects"], hits, strict=True)
        ),
        "doubted": report["doubted"],
        "search_seconds": search_seconds,
        "labels_seconds": seconds,
        "configuration": report["configuration"],
    }


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--flips", default=40)
@click.option("--seeds", default="0,1,2", help="Numbers, with commas.")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder for what is made.")
@click.argument("options", nargs=-1)
def main(data, flips, seeds, keep, options):
    for seed in map(int, seeds.split(",")):
        with tempfile.TemporaryDirectory(prefix="labels-") as name:
            folder = keep / str(seed) if keep else Path(name)
            print(json.dumps(one_seed(data, folder, flips, seed, options), indent=1), flush=True)


if __name__ == "__main__":
    main()
