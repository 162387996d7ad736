"""Measure what labels corrected on the page of `tune labels --serve` bring.

    python benchmarks/corrections.py DATA --unseen DIR --flips 40 -- --max-time 1m --then-export

DATA holds one folder per class. Labels are flipped, a scripted browser decides about each suspect
as somebody would who sees what it is, and the search is run again with the corrections. Prints, as
JSON: clicks, what the file holds, and the accuracy on other images before, after, and with no label
flipped. Options behind `--` go to `tune run`.
"""

import csv
import json
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import click
from labels import LONGEST, TUNE, flipped_copy
from playwright.sync_api import sync_playwright


def tune(*arguments):
    done = subprocess.run(
        [TUNE, *map(str, arguments)], stdout=subprocess.PIPE, timeout=LONGEST, check=True
    )
    return json.loads(done.stdout) if done.stdout.strip().startswith(b"{") else None


def accuracy(data, name, folder, unseen, options):
    """Of what a search exports, on images that it has not seen."""
    results, cache = ("--results", folder / "results"), ("--cache-dir", folder / "cache")
    tune("run", data, "--name", name, *results, *cache, "--json", *options)
    export = folder / "results" / name / "export"
    return tune("evaluate", export, unseen, *cache, "--json")["accuracy"]


def decide(address):
    """Click through the page: the kind of an image is the beginning of its name."""
    clicks = 0
    with sync_playwright() as playwright:
        program = shutil.which("chromium") or playwright.chromium.executable_path
        browser = playwright.chromium.launch(
            executable_path=program, args=["--disable-gpu", "--no-sandbox"]
        )
        page = browser.new_page()
        page.goto(address)
        page.wait_for_selector(".card")
        cards = page.locator(".card")
        for number in range(cards.count()):
            card = cards.nth(number)
            label, name = card.locator(".path").inner_text().split(" (")[0].split("/")
            truth = name.split("-")[0]
            card.locator(".keep" if truth == label else ".change").click()
            card.locator(".decision:not(:empty)").wait_for()
            clicks += 1
        browser.close()
    return clicks


def corrected_by_hand(folder, limit):
    """Serve the suspects, decide about them, and end the server as Ctrl-C does."""
    words = ["labels", "flipped", "--results", folder / "results", "--limit", limit]
    process = subprocess.Popen(
        [TUNE, *map(str, words), "--serve", "--port", "0"], stderr=subprocess.PIPE, text=True
    )
    try:
        said = ""
        while not (found := re.search(r"http://\S+", said)):
            line = process.stderr.readline()
            if not line:
                raise RuntimeError(said)
            said += line
        clicks = decide(found[0])
        process.send_signal(signal.SIGINT)
        return clicks, process.stderr.read().strip().splitlines()
    finally:
        process.kill()
        process.wait()


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--unseen", type=click.Path(exists=True, file_okay=False), required=True)
@click.option("--flips", default=40)
@click.option("--limit", default=100, help="Suspects on the page.")
@click.option("--seed", default=0)
@click.argument("options", nargs=-1)
def main(data, unseen, flips, limit, seed, options):
    with tempfile.TemporaryDirectory(prefix="corrections-") as name:
        folder = Path(name)
        flipped = set(flipped_copy(data, folder / "photos", flips, seed))
        before = accuracy(folder / "photos", "flipped", folder, unseen, options)
        clicks, said = corrected_by_hand(folder, limit)
        file = folder / "results" / "flipped" / "labels" / "corrections.csv"
        with file.open(newline="") as lines:
            rows = list(csv.DictReader(lines))
        changed = [row["path"] for row in rows if row["new"] != row["old"]]
        with_file = (*options, "--corrections", file)
        after = accuracy(folder / "photos", "corrected", folder, unseen, with_file)
        clean = accuracy(data, "clean", folder, unseen, options)
        result = {
            "flipped": len(flipped),
            "clicks": clicks,
            "rows": len(rows),
            "corrected": len(changed),
            "corrected_rightly": len(flipped & set(changed)),
            "said": said,
            "accuracy_before": before,
            "accuracy_after": after,
            "accuracy_without_flips": clean,
        }
        print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
