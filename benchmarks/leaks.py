"""Count the changed copies of photos that are found across given splits, and false pairs.

    python benchmarks/leaks.py DATA --planted 30 --sheet flagged.png

Deals DATA's photos into `train/`, `validation/` and `test/` of a temporary folder, and plants
changed copies of photos of one split in another, so many of each kind of change. Prints, for
each kind, how many the public functions find; what `find_leaks` says; and every pair across or
within splits that was not planted, for a person to look at: with `--sheet`, side by side.
"""

import random
import tempfile
import time
from itertools import combinations
from pathlib import Path

import click
from PIL import Image

SPLITS = ("train", "validation", "test")
SHARES = (0.7, 0.15, 0.15)
SIDES = ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))  # left, top, right, bottom
EACH = 0.03
TILE = 160


def cropped(image, sides):
    (width, height), (left, top, right, bottom) = image.size, (EACH * side for side in sides)
    box = (width * left, height * top, width * (1 - right), height * (1 - bottom))
    return image.crop(tuple(round(edge) for edge in box))


def one_side(image, chance):
    return cropped(image, chance.choice(SIDES))


def all_sides(image, _):
    return cropped(image, (1, 1, 1, 1))


def resized(image, chance):
    scale = chance.uniform(0.4, 0.9)
    return image.resize((round(image.width * scale), round(image.height * scale)))


def brightened(image, chance):
    factor = chance.uniform(1.1, 1.3)
    return image.point(lambda value: min(255, round(value * factor)))


def other_gamma(image, chance):
    gamma = chance.choice((0.7, 0.8, 1.25, 1.4))
    return image.point(lambda value: round(255 * (value / 255) ** gamma))


KINDS = {  # how the image is changed, and how well it is saved
    "resized": ([resized], 95),
    "re-encoded": ([], 45),
    "cropped, one side": ([one_side], 95),
    "cropped, all sides": ([all_sides], 95),
    "brightened": ([brightened], 95),
    "gamma": ([other_gamma], 95),
    "all, one side": ([one_side, resized, brightened], 60),
    "all, all sides": ([all_sides, resized, brightened], 60),
    "all, all sides, gamma": ([all_sides, resized, other_gamma], 60),
}


def build(photos, folder, planted, chance):
    """Deal links to photos; plant copies. Returns {copy: (original, kind)}, as paths within."""
    places = {}
    for photo in photos:
        split = chance.choices(SPLITS, SHARES)[0]
        place = folder / split / photo.parent.name / photo.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(photo.read_bytes())
        places[place] = split
    # No photo twice: two copies of one would be a pair of their own.
    originals = iter(chance.sample(list(places), planted * len(KINDS)))
    truth = {}
    for kind, (changes, quality) in KINDS.items():
        for number in range(planted):
            original = next(originals)
            split = chance.choice([name for name in SPLITS if name != places[original]])
            with Image.open(original) as opened:
                image = opened.convert("RGB")
            for change in changes:
                image = change(image, chance)
            name = f"planted-{kind.replace(' ', '-').replace(',', '')}-{number}.jpg"
            copy = folder / split / original.parent.name / name
            image.save(copy, quality=quality)
            truth[str(copy.relative_to(folder))] = (str(original.relative_to(folder)), kind)
    return truth


def report(catalog, truth):
    """Print what was found; the pairs that were not planted."""
    from data_pipeline.near_duplicates.duplicates import exact_groups, near_groups
    from data_pipeline.near_duplicates.leaks import find_leaks

    start = time.monotonic()
    groups = [*near_groups(catalog), *exact_groups(catalog)]
    seconds = time.monotonic() - start
    paths = [entry.path for entry in catalog.kept]
    together = {
        frozenset(paths[i] for i in pair) for group in groups for pair in combinations(group, 2)
    }
    planted = {frozenset((copy, original)) for copy, (original, _) in truth.items()}
    print(f"{len(catalog.kept)} images, {len(truth)} of them planted; grouped in {seconds:.2f} s")
    print(f"{'change':24}{'planted':>8}{'found':>8}{'missed':>8}")
    for kind in KINDS:
        pairs = [frozenset((copy, of)) for copy, (of, its) in truth.items() if its == kind]
        found = sum(pair in together for pair in pairs)
        print(f"{kind:24}{len(pairs):8}{found:8}{len(pairs) - found:8}")
    print(f"{'in all':24}{len(planted):8}{len(planted & together):8}{len(planted - together):8}")
    for copy, (original, _) in truth.items():
        if frozenset((copy, original)) not in together:
            print(f"  missed: {copy} of {original}")
    for leak in find_leaks(catalog):
        print(f"{leak['split']} in {leak['other']}: {leak['pictures']} of {leak['of']} images")
    return sorted(sorted(pair) for pair in together - planted)


def draw_sheet(folder, pairs, path):
    sheet = Image.new("RGB", (2 * TILE, max(1, len(pairs)) * TILE))
    for row, pair in enumerate(pairs):
        for column, name in enumerate(pair):
            with Image.open(folder / name) as image:
                tile = image.convert("RGB").resize((TILE, TILE))
            sheet.paste(tile, (column * TILE, row * TILE))
    sheet.save(path)


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--planted", default=30, help="Copies of each kind of change.")
@click.option("--seed", default=0)
@click.option("--sheet", type=click.Path(path_type=Path), help="PNG of the pairs not planted.")
def main(data, planted, seed, sheet):
    from data_pipeline.preparation.prepare import open_catalog

    photos = sorted(path for path in data.glob("*/*") if path.is_file())
    with tempfile.TemporaryDirectory(prefix="leaks-") as name:
        folder = Path(name) / "data"
        truth = build(photos, folder, planted, random.Random(seed))
        catalog = open_catalog(folder, cache_dir=Path(name) / "cache")
        others = report(catalog, truth)
        print(f"{len(others)} pairs that were not planted:")
        for one, other in others:
            print(f"  {one}  {other}")
        if sheet is not None:
            draw_sheet(folder, others, sheet)


if __name__ == "__main__":
    main()
