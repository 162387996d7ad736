"""Measure the time of `tune report` on a run of 1,000 configurations, and its file's size.

    python benchmarks/report.py [--configurations 1000] [--measure 60s]

The run is made up (benchmarks/made_up_run.py), its photos are drawn; the program is the real one.
The page is then opened in Chromium, where there is one: the time until every chart is there.
"""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
from made_up_run import TUNE, made_up_run
from PIL import Image


@click.command()
@click.option("--configurations", default=1000, show_default=True)
@click.option("--measure", default="60s", show_default=True, help="As of tune report.")
@click.option("--rounds", default=3, show_default=True, help="Reports with all that is kept.")
def main(configurations: int, measure: str, rounds: int) -> None:
    """Print times and sizes."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results"
        run = made_up_run(results / "made-up", configurations)
        draw_photos(run, Path(folder) / "photos")
        print(f"{configurations} configurations, {len(list(run.trials.glob('*.json')))} trials")
        first = timed("report", "--results", results, "--measure", measure)
        print(f"tune report, nothing kept, --measure {measure}: {first:.1f} s")
        again = [timed("report", "--results", results, "--measure", "0s") for _ in range(rounds)]
        print(f"tune report, again: {np.median(again):.2f} s, median of {rounds}")
        print(f"report.html: {run.report.stat().st_size / 1e6:.2f} MB")
        bare = Path(folder) / "bare.html"
        timed("report", "--results", results, "--measure", "0s", "--no-pictures", "--output", bare)
        print(f"with --no-pictures: {bare.stat().st_size / 1e6:.2f} MB")
        shown = [timed("show", "--results", results) for _ in range(rounds)]
        print(f"tune show: {np.median(shown):.2f} s, median of {rounds}")
        open_page(run.report)


def draw_photos(run: Any, folder: Path) -> None:
    """JPEGs of 480x360 in place of the photos of the run."""
    from search.process.atomic_files import read_json, write_json

    images, random = read_json(run.older_images), np.random.default_rng(0)
    for path in images["paths"]:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        small = random.integers(0, 255, (9, 12, 3), np.uint8)
        Image.fromarray(small).resize((480, 360), Image.Resampling.BICUBIC).save(folder / path)
    for file in (run.older_images, run.data):
        write_json(file, read_json(file) | {"root": str(folder)})


def timed(*arguments: Any) -> float:
    """Seconds of the program with these arguments."""
    started = time.perf_counter()
    subprocess.run([*TUNE, *map(str, arguments)], check=True, capture_output=True)
    return time.perf_counter() - started


def open_page(file: Path) -> None:
    """Say how long Chromium takes until all charts that can be seen are there."""
    from playwright.sync_api import sync_playwright

    if (chromium := shutil.which("chromium")) is None:
        print("no Chromium here: the page was not opened")
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        started = time.perf_counter()
        page.goto(file.as_uri())
        page.wait_for_function(
            "[...document.querySelectorAll('[data-chart]')]"
            ".every(place => !place.offsetWidth || place.querySelector('canvas'))"
        )
        print(f"the page in Chromium: {time.perf_counter() - started:.1f} s until drawn")
        browser.close()


if __name__ == "__main__":
    main()
