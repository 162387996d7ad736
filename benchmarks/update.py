"""Measure `tune update` while images arrive in parts, against searching anew each time.

    python benchmarks/update.py DATA --unseen DIR --parts 5 --out FOLDER -- --max-time 2m

DATA holds one folder per class, and so does DIR, of images that neither sees. After each part: the
seconds of an update and of a new search, both with export, the accuracy of each on DIR, and what
the update said. Options behind `--` go to `tune run`.
"""

import json
import random
import shutil
import subprocess
import time
from pathlib import Path

import click
from labels import LONGEST, TUNE
from racing import link


def timed(log, *arguments):
    """Seconds, and what was printed."""
    start = time.monotonic()
    with log.open("a") as err:
        done = subprocess.run(
            [TUNE, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=err,
            timeout=LONGEST,
            check=True,
            text=True,
        )
    return round(time.monotonic() - start, 1), done.stdout


def parts_of(data, count, seed):
    """Deal the images of each class into so many parts."""
    parts = [[] for _ in range(count)]
    for kind in sorted(path for path in data.iterdir() if path.is_dir()):
        files = sorted(kind.iterdir())
        random.Random(f"{seed} {kind.name}").shuffle(files)
        for number, file in enumerate(files):
            parts[number * count // len(files)].append(file)
    return parts


class Measured:
    """The growing folder, with a cache for each of the two ways."""

    def __init__(self, out, unseen, options):
        self.out, self.unseen, self.options = out, unseen, options
        self.photos, self.results = out / "photos", out / "results"

    def arrive(self, files):
        for file in files:
            target = self.photos / file.parent.name / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            link(file, target)

    def places(self, cache):
        return "--results", self.results, "--cache-dir", self.out / cache

    def search(self, name, cache):
        shutil.rmtree(self.out / cache, ignore_errors=True)
        words = ("run", self.photos, "--name", name, "--then-export", *self.options)
        return timed(self.out / f"{name}.log", *words, *self.places(cache))[0]

    def update(self, before, name):
        words = ("update", before, "--name", name, *self.places("update-cache"))
        seconds, said = timed(self.out / f"{name}.log", *words)
        return seconds, [line for line in said.splitlines() if "test images" in line][-3:]

    def accuracy(self, name):
        export = self.results / name / "export"
        words = ("evaluate", export, self.unseen, "--cache-dir", self.out / "unseen-cache")
        return json.loads(timed(self.out / "evaluate.log", *words, "--json")[1])["accuracy"]


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--unseen", type=click.Path(exists=True, file_okay=False), required=True)
@click.option("--parts", default=5)
@click.option("--seed", default=0)
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.argument("options", nargs=-1)
def main(data, unseen, parts, seed, out, options):
    out.mkdir(parents=True)
    measured = Measured(out, unseen, options)
    for number, files in enumerate(parts_of(data, parts, seed), start=1):
        measured.arrive(files)
        row = {"part": number, "images": sum(1 for _ in measured.photos.glob("*/*"))}
        if number == 1:
            row["search_seconds"] = measured.search("update1", "update-cache")
        else:
            row["search_seconds"] = measured.search(f"anew{number}", "anew-cache")
            row["search_accuracy"] = measured.accuracy(f"anew{number}")
            before, name = f"update{number - 1}", f"update{number}"
            row["update_seconds"], row["said"] = measured.update(before, name)
        row["update_accuracy"] = measured.accuracy(f"update{number}")
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
