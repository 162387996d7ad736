"""Measure what many images cost before training: time, memory of the driver, the first step.

    python benchmarks/many_images.py DATA --count 60000,250000 --size 32
    python benchmarks/many_images.py DATA --count 1000000 --copied
    python benchmarks/many_images.py DATA --count 1000000 --copied --size 96 --disk 5

Makes folders of so many links to DATA's files, class by class, and takes each figure in a process
of its own. Prints, as JSON, for each count:

first: all files are checked and prepared, near-copies found, the images split, all of it written
into a run's folder. Seconds, and the peak memory of the driver and of its largest child.
second: the same again with nothing changed; "look" is the part until images are known to be
prepared.
step: in a process with TensorFlow: seconds until a small network has made its first step, with
the peak memory before and after, and images per second of the batches that follow.
search: `tune run` of one small cnn, which is ended after some minutes: peak memory of the driver
and of its largest child.
near: copies among as many made-up sketches, of which no two are alike: seconds and peak memory.

Memory is the highest resident size in MB; "own" is it without files that are mapped, such as
libraries and prepared images. With `--copied` the files are not checked: what is known of DATA's
files is written down as that of the links, and the prepared images are empty. It takes minutes
instead of an hour for a million. Instead of "first" and "second" there are "second", which has to
look for near-copies, and "third", where all is remembered.

With `--disk GB` prepared images take no more than that: of the others each is decoded when a batch
needs it. With `--copied` the first of them are then prepared in "second".
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import click
from catalog import link_many
from many_images_parts import done_here

LONGEST = 4 * 3600  # seconds, of one process


def in_a_process(job, *arguments):
    command = [sys.executable, __file__, *map(str, arguments), "--job", job]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=LONGEST, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def all_of(data, count, size, copied, disk):
    """The figures of so many links."""
    with tempfile.TemporaryDirectory(prefix="many-") as name:
        links, cache, figures = Path(name) / "data", Path(name) / "cache", {"files": count}
        link_many(data, links, count)
        options = (data, "--place", name, "--size", size, "--count", count)
        options += ("--disk", disk) if disk else ()
        if copied:
            in_a_process("copy", *options)
        jobs = (
            ("second", "third", "step", "search", "near")
            if copied
            else ("first", "second", "step", "search", "near")
        )
        for job in jobs:
            figures[job] = in_a_process(job, *options)
        kinds = ("catalogs", "prepared")
        figures["cache_mb"] = {
            kind: round(sum(f.stat().st_blocks for f in (cache / kind).iterdir()) * 512 / 1e6)
            for kind in kinds
        }
        return figures


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--count", default="60000", help="Numbers of files, with commas.")
@click.option("--size", default=32, help="Side of the prepared images, in pixels.")
@click.option("--copied", is_flag=True, help="Do not check the links.")
@click.option("--disk", type=float, help="GB that prepared images and features may take.")
@click.option("--job", hidden=True)
@click.option("--place", type=click.Path(path_type=Path), hidden=True)
def main(data, count, size, copied, disk, job, place):
    """Links are hard ones where DATA is on the disk of temporary files (TMPDIR)."""
    if job:
        print(json.dumps(done_here(job, data.resolve(), place, size, int(count), disk)))
        return
    report = [all_of(data.resolve(), int(each), size, copied, disk) for each in count.split(",")]
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
