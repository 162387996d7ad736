"""Race stock KerasTuner against `tune run` on the same photos, split, space and seed.

    python benchmarks/same_space.py DATA --weights FILE --unseen DIR --out FOLDER
    python benchmarks/same_space.py DATA --weights FILE --families cnn,xception --minutes 20

Each side searches to the end of its plan, or with --minutes for so long. For each seed DATA is
dealt 80/20 into train and validation, and both sides search it in turn, from a cold start. Prints
the best validation accuracy so far against seconds since the process was spawned, imports and all,
and writes race.json (after each part: a second call goes on) and race.png to the folder.
"""

import json
import random
import shutil
import statistics
import sys
from pathlib import Path

import click
from racing import link, logged, run, time_to
from same_space_plot import draw

from search.process.quiet import import_tensorflow

SIDES = ("stock", "tune")
SOLVED = ("probe", "joined")
TEST_PHOTOS = 20  # per class


def deal(data, spare, folder, seed):
    """Link train/ and validation/ of `data`, and a test/ that neither side learns from.

    Without a test/ folder `tune run` would cut one from train/. Hard links, as it takes no
    symbolic ones that lead out of the folder.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for number, source in enumerate(sorted(path for path in data.iterdir() if path.is_dir())):
        photos = sorted(source.iterdir())
        random.Random(f"{seed} {number}").shuffle(photos)
        validation = photos[: round(len(photos) / 5)]
        test = sorted((spare / source.name).iterdir()) if spare else validation
        parts = {"train": photos[len(validation) :], "validation": validation}
        for name, files in (parts | {"test": test[:TEST_PHOTOS]}).items():
            target = folder / name / source.name
            target.mkdir(parents=True)
            for file in files:
                link(file, target / file.name)
                file.read_bytes()  # into memory, so that neither side waits for the disk
    return folder


def outcome(epochs, **others):
    """What race.json holds of one part; `epochs` are (seconds, validation accuracy)."""
    curve = []
    for seconds, value in sorted(epochs):
        if not curve or round(value, 5) > curve[-1][1]:  # float32 here, float64 there
            curve.append([round(seconds, 2), round(value, 5)])
    return {"curve": curve, "best": curve[-1][1] if curve else None, "epochs": len(epochs)} | others


def race_stock(data, folder, seed, options):
    script = Path(__file__).with_name("same_space_stock.py")
    asked = ("--unseen", options["unseen"]) if options["unseen"] else ()
    asked += ("--minutes", options["minutes"]) if options["minutes"] else ()
    arguments = [sys.executable, script, data, "--out", folder, "--spawned", "SPAWNED", *asked]
    _, seconds, _, trouble = run([*arguments, *shared(options, seed)], folder / "stock.log")
    log, result = folder / "epochs.jsonl", folder / "result.json"
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    epochs = [(line["seconds"], line["val_accuracy"]) for line in lines if "epoch" in line]
    found = json.loads(result.read_text()) if result.exists() else {}
    trials = sum("trial_seconds" in line for line in lines)
    end = found.pop("search_seconds", round(seconds, 2))
    return outcome(epochs, search_seconds=end, trials=trials, trouble=trouble) | found


def race_tune(data, folder, seed, options):
    tune, log = Path(sys.executable).with_name("image-tune"), folder / "tune.log"
    results, cache = ("--results", folder), ("--cache-dir", folder / "cache")
    minutes = options["minutes"]
    limit = ("--max-time", f"{minutes}m", "--then-export") if minutes else ()
    spawned, seconds, _, trouble = run(
        [tune, "run", data, *results, *cache, "--name", "race", *shared(options, seed), *limit], log
    )
    walls = logged(folder / "race" / "tensorboard") + probes(folder / "race" / "trials")
    epochs = [(wall - spawned, value) for wall, value in walls]
    trials = len(list((folder / "race" / "trials").glob("[0-9]*.json")))
    mine = {"search_seconds": round(seconds, 2), "trials": trials}
    if not trouble and not minutes:
        _, seconds, shown, trouble = run([tune, "export-best", "race", *results, "--json"], log)
        mine["export_seconds"] = round(seconds, 2)
        mine["configuration"] = json.loads(shown)["configuration"] if not trouble else None
    if options["unseen"] and not trouble:
        export = folder / "race" / "export"
        *_, shown, trouble = run(
            [tune, "evaluate", export, options["unseen"], *cache, "--json"], log
        )
        mine["unseen_accuracy"] = json.loads(shown)["accuracy"] if not trouble else None
    return outcome(epochs, trouble=trouble, **mine)


def probes(trials):
    """(time.time() at its end, validation accuracy) of what was not trained in epochs.

    A race begins on some of the images: that is left out, as its figures are of fewer.
    """
    records = [json.loads(path.read_text()) for path in trials.glob("[0-9]*.json")]
    return [
        (record["ended"], record["history"][-1]["val_accuracy"])
        for record in records
        if record["values"]["family"] in SOLVED and record["history"] and not record["images"]
    ]


def shared(options, seed):
    names = ("weights", "families", "image-size", "max-epochs")
    # KerasTuner knows no limit in time: `same_space_stock.py` ends it.
    return [*(word for name in names for word in (f"--{name}", options[name])), "--seed", seed]


def compare(parts):
    stock, tune = (parts[side] for side in SIDES)
    alone, ours = (time_to(part["curve"], stock["best"]) for part in (stock, tune))
    return {
        "stock_to_its_best": alone,
        "tune_to_stocks_best": ours,
        "tune_to_its_best": time_to(tune["curve"], tune["best"]),
        "stock_to_tunes_best": time_to(stock["curve"], tune["best"]),
        # Never there counts as infinitely late.
        "ratio": round(alone / ours, 2) if alone and ours else 0.0,
    }


def save(race, path):
    done = [parts for parts in race["seeds"].values() if set(SIDES) <= set(parts)]
    for parts in done:
        parts["comparison"] = compare(parts)
    ratios = [parts["comparison"]["ratio"] for parts in done]
    race["median_ratio"] = statistics.median(ratios) if ratios else None
    path.with_suffix(".new").write_text(json.dumps(race, indent=1))
    path.with_suffix(".new").replace(path)


def show(race):
    for seed, parts in race["seeds"].items():
        for side in SIDES:
            part = parts.get(side, {"curve": []})
            facts = {key: part[key] for key in part if key not in ("curve", "configuration")}
            print(f"seed {seed}, {side}: {json.dumps(facts)}")
            print(
                "  " + "  ".join(f"{seconds:.1f} s {best:.4f}" for seconds, best in part["curve"])
            )
        print(f"  {json.dumps(parts.get('comparison'))}")
    print(f"median of stock's time to its best / tune's to the same: {race['median_ratio']}")


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False))
@click.option("--weights", type=click.Path(exists=True), required=True)
@click.option("--unseen", type=click.Path(exists=True, file_okay=False))
@click.option("--families", default="cnn,xception,transfer", show_default=True)
@click.option("--seeds", default="0,1,2", show_default=True)
@click.option("--image-size", default=96, show_default=True)
@click.option("--max-epochs", default=9, show_default=True)
@click.option("--minutes", type=int, help="That each side searches.  [default: its plan]")
@click.option("--out", type=click.Path(path_type=Path), default=Path("results/race"))
@click.option("--plot-only", is_flag=True, help="Only draw race.png anew from race.json.")
def main(data, seeds, out, plot_only, **options):
    options = {name.replace("_", "-"): value for name, value in options.items()} | {"data": data}
    out.mkdir(parents=True, exist_ok=True)
    path = out / "race.json"
    race = {"options": options, "seeds": {}}
    if path.exists():
        race = json.loads(path.read_text())
        if race["options"] != options and not plot_only:
            sys.exit(f"{path}: from a race with other options; choose another --out")
    import_tensorflow()  # its libraries are in memory then, for whichever side comes first
    spare = Path(options["unseen"]) if options["unseen"] else None
    for turn, seed in enumerate([] if plot_only else seeds.split(",")):
        parts = race["seeds"].setdefault(seed, {})
        for side in SIDES if turn % 2 == 0 else SIDES[::-1]:
            if side in parts and "exit" not in (parts[side]["trouble"] or ""):
                continue
            folder = out / f"seed-{seed}"
            photos = deal(Path(data), spare, folder / "photos", seed)
            shutil.rmtree(folder / side, ignore_errors=True)
            (folder / side).mkdir()
            racer = race_stock if side == "stock" else race_tune
            parts[side] = racer(photos, folder / side, seed, options)
            save(race, path)
            print(
                f"seed {seed}, {side}: raced, {parts[side]['trouble'] or 'well'}", file=sys.stderr
            )
    show(race)
    draw(race, out / "race.png")


if __name__ == "__main__":
    main()
