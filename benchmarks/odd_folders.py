"""What is said of folders and tables of labels that are not as they should be.

    python benchmarks/odd_folders.py [--tree OTHER_CHECKOUT] [--out TABLE.md]

Each case is made of small drawn images in a folder of its own, and `tune clean` is called on it,
in a process of its own. Prints a table: the case, the exit status, and what was said. With --tree
the program of another checkout is called, so that two versions can be compared.
"""

import os
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

import click
import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[1]
SECONDS = 120  # for one command
START = "import sys; from search.cli import main; sys.argv[0] = 'tune'; main()"


def images(folder, count, seed=0, suffix=".png"):
    """Draw images that are like no others."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        noise = np.random.default_rng([seed, number]).integers(0, 256, (6, 6, 3), dtype=np.uint8)
        picture = Image.fromarray(noise).resize((40, 30), Image.Resampling.BICUBIC)
        picture.save(folder / f"{folder.name[:3]}{number:02d}{suffix}")


def classes(root, *names, count=12):
    for seed, name in enumerate(names):
        images(root / name, count, seed + 100 * len(root.name))


def linked_class(root):
    classes(root, "cat", "dog")
    images(root.parent / "elsewhere" / "bird", 12, 7)
    (root / "bird").symlink_to(root.parent / "elsewhere" / "bird")


def loose_files(root):
    for part in ("train", "test"):
        classes(root / part, "cat", "dog")
    images(root / "test", 3, 8)
    images(root, 2, 9)


def train_beside_eval(root):
    for part in ("train", "eval"):
        classes(root / part, "cat", "dog")


def upper_case_splits(root):
    for part in ("Training", "VALID", "Holdout"):
        classes(root / part, "cat", "dog")


def case_of_a_class(root):
    classes(root, "Cat", "cat", "dog")


def two_spellings(root):
    for number, form in enumerate(("NFC", "NFD")):
        images(root / unicodedata.normalize(form, "café"), 12, number)
    images(root / "dog", 12, 5)


def one_level_too_high(root):
    classes(root / "archive" / "photos", "cat", "dog")


def same_subfolders(root):
    for camera in ("camera1", "camera2"):
        classes(root / camera, "cat", "dog")


def class_named_test(root):
    classes(root, "cat", "dog", "test")


def split_lacks_a_class(root):
    classes(root / "train", "cat", "dog", "bird")
    classes(root / "test", "cat", "dog")


def few_images(root):
    classes(root, "cat", "dog")
    images(root / "bird", 2, 5)


def few_after_copies(root):
    classes(root, "cat", "dog")
    images(root / "bird", 1, 5)
    content = (root / "bird" / "bir00.png").read_bytes()
    for number in range(1, 5):
        (root / "bird" / f"bir{number:02d}.png").write_bytes(content)


def other_formats(root):
    classes(root, "cat", "dog")
    (root / "cat" / "raw.cr2").write_bytes(b"II*\0\x10\0\0\0CR\2\0" + bytes(400))
    (root / "cat" / "page.pdf").write_bytes(b"%PDF-1.7\n" + bytes(400))
    (root / "cat" / "page.jpg").write_bytes(b"<!DOCTYPE html><html></html>")
    images(root / "dog", 3, 6, ".tiff")
    images(root / "dog", 3, 6, ".ppm")


def table(root, text, count=24):
    images(root, count, 3)
    (root.parent / "labels.csv").write_text(text)


def rows(separator, header=True, count=24, label=lambda k: ("cat", "dog")[k % 2]):
    lines = [separator.join(("file", "label"))] if header else []
    return "\n".join(
        [*lines, *(separator.join((f"dat{k:02d}.png", label(k))) for k in range(count))]
    )


TABLES = {
    "table with commas": lambda root: table(root, rows(",")),
    "table with semicolons": lambda root: table(root, rows(";")),
    "table with tabs, no header": lambda root: table(root, rows("\t", header=False)),
    "table with spaces, names without ending": lambda root: table(
        root, rows("   ").replace(".png", "")
    ),
    "numbers as labels": lambda root: table(root, rows(",", label=lambda k: str(k % 2))),
    "rows without a file, files without a row": lambda root: table(
        root, rows(",", count=20) + "\ngone.png,cat\n"
    ),
    "a file with two labels": lambda root: table(root, rows(",") + "\ndat00.png,dog\n"),
    "labels that differ in case": lambda root: table(
        root, rows(",", label=lambda k: ("cat", "Cat", "dog")[k % 3])
    ),
    "no column of labels": lambda root: table(root, "file\ndat00.png\ndat01.png\n"),
}
FOLDERS = {
    "a class that is a link": linked_class,
    "loose files in test/ and in the root": loose_files,
    "train/ beside eval/": train_beside_eval,
    "Training/, VALID/, Holdout/": upper_case_splits,
    "Cat and cat": case_of_a_class,
    "two Unicode spellings of one name": two_spellings,
    "one level too high": one_level_too_high,
    "classes with the same subfolders": same_subfolders,
    "a class called test": class_named_test,
    "a split that lacks a class": split_lacks_a_class,
    "a class of two images": few_images,
    "a class of copies": few_after_copies,
    "raw, PDF, HTML, TIFF, PPM": other_formats,
}


def said(tree, folder, arguments):
    environment = os.environ | {
        "PYTHONPATH": str(tree),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "COLUMNS": "400",
        "CUDA_VISIBLE_DEVICES": "",
    }
    command = [sys.executable, "-P", "-c", START, *map(str, arguments)]
    found = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=environment,
        cwd=folder,
    )
    text = (found.stderr + found.stdout).replace(str(folder) + "/", "")
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    if "Traceback" in text:
        lines = ["TRACEBACK", *lines[-1:]]
    return found.returncode, lines


@click.command()
@click.option("--tree", type=click.Path(exists=True, path_type=Path), default=ROOT)
@click.option("--out", type=click.Path(path_type=Path))
def main(tree, out):
    answers = {}
    for name, make in {**FOLDERS, **TABLES}.items():
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            make(folder / "data")
            more = ["--labels", "labels.csv"] if name in TABLES else []
            answers[name] = said(tree.resolve(), folder, ["clean", "data", *more])
        print(f"{name}: {answers[name][0]}", file=sys.stderr, flush=True)
    lines = ["| case | exit status | said |", "|---|---|---|"]
    for name, (status, text) in answers.items():
        lines.append(f"| {name} | {status} | {'<br>'.join(text).replace('|', chr(92) + '|')} |")
    print("\n".join(lines))
    if out:
        out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
