"""Race `tune run` against what a user of another tuner would write from its guide.

    python benchmarks/race.py DATA --peer kerastuner --weights DIR --out FOLDER [--unseen DIR]

Same images, same split, same cores, same seconds. Of DATA a test/ is set apart that neither side
learns from, unless it has one. A peer searches pretrained networks at 96 and at 224 px, once each
for the longest time (`benchmarks/peers/`, each in an environment of its own that is made here);
of its models the best by validation after each time is measured on test/, or on the unseen
photos, and the better of the two sizes counts. `tune run --max-time T --then-export` is run anew
for each time and seed. Where the largest class has more than twice the images of the smallest,
balanced accuracy stands for accuracy.

Runs part by part, writes race.json after each, and goes on there when it is called again: let
nothing else run beside it. Prints what each has after each time, and draws race.png.
"""

import json
import shutil
import statistics
import sys
from pathlib import Path

import click
import numpy as np
from peers.environments import PEERS, python_of
from probe import experiment_of
from race_plot import draw
from racing import link, logged, run, time_to

from search.evaluation.objective import are_unequal
from search.run_folder.images import Images

SIZES = (96, 224)
OVERRUN = 60  # seconds after its limit in which a search may end by itself


def placed(experiment, parts, folder):
    """Link rows of an experiment's images into FOLDER/PART/CLASS/."""
    shutil.rmtree(folder, ignore_errors=True)
    images = Images.load(experiment.run)
    for part, rows in parts.items():
        for row in rows:
            source = images.root / images.paths[row]
            label = experiment.class_names[experiment.targets[row]]
            target = folder / part / label / f"{row:06d}{source.suffix}"
            target.parent.mkdir(parents=True, exist_ok=True)
            link(source, target)
    return folder


def split_of(data, folder, seed):
    """The images as `tune run` checks and splits them with this seed."""
    return experiment_of(data, folder, {"families": ("cnn",), "seed": seed})


def dealt(data, folder):
    """The photos with a test/ of their own, as both sides get them."""
    photos = folder / "photos"
    if not photos.exists():
        experiment = split_of(data, folder / "dealt", 0)
        train = np.concatenate([experiment.train, experiment.validation])
        placed(experiment, {"train": train, "test": experiment.test}, folder / "partial")
        (folder / "partial").rename(photos)
    return photos


def split_for_peers(photos, folder, seed):
    """The same with the images to validate on that `tune run` takes with this seed."""
    split = folder / f"split-{seed}"
    if not split.exists():
        experiment = split_of(photos, folder / f"split-run-{seed}", seed)
        rows = {"train": experiment.train, "validation": experiment.validation}
        placed(experiment, rows, folder / "partial")
        (folder / "partial").rename(split)
    return split


def race_peer(name, size, photos, options):
    out, folder = options["out"], options["out"] / f"{name}-{size}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    python, scripts = python_of(name, options["environments"]), Path(__file__).parent / "peers"
    limit = 60 * max(options["minutes"])
    split = split_for_peers(photos, out, 0)
    arguments = [python, scripts / f"{name}_search.py", split, "--out", folder]
    arguments += ["--weights", options["weights"].resolve(), "--image-size", size]
    arguments += ["--seconds", limit, "--spawned", "SPAWNED"]
    # Ray ends by itself, and must: killed, it leaves its processes behind.
    *_, trouble = run(arguments, folder / "search.log", limit + OVERRUN * (name == "ray"))
    trouble = None if (trouble or "").startswith("ended after") else trouble
    log = folder / "epochs.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    times = ",".join(str(60 * minutes) for minutes in options["minutes"])
    arguments = [python, scripts / "evaluate.py", folder, options["unseen"] or photos / "test"]
    arguments += ["--seconds", times, "--image-size", size]
    arguments += ["--balanced"] if unequal(photos) else []
    *_, shown, failed = run(arguments, folder / "evaluate.log")
    unseen = {} if failed else json.loads(shown.splitlines()[-1])
    return {
        "curve": rising((line["seconds"], line["val_accuracy"]) for line in lines),
        "epochs": len(lines),
        "unseen": {f"{float(seconds) / 60:g}": value for seconds, value in unseen.items()},
        "trouble": failed or trouble,
    }


def race_tune(minutes, seed, photos, options):
    name, out = f"tune-{minutes:g}-{seed}", options["out"]
    shutil.rmtree(out / name, ignore_errors=True)
    tune = Path(sys.executable).with_name("image-tune")
    log, cache = out / f"{name}.log", out / "cold"
    shutil.rmtree(cache, ignore_errors=True)
    arguments = [tune, "run", photos, "--results", out, "--cache-dir", cache, "--name", name]
    arguments += ["--weights", options["weights"].resolve(), "--seed", seed]
    arguments += ["--max-time", f"{60 * minutes:g}s", "--then-export"]
    spawned, seconds, _, trouble = run(arguments, log, 2 * 60 * minutes + OVERRUN)
    found = {"seconds": round(seconds, 2), "trouble": trouble}
    epochs = [(wall - spawned, value) for wall, value in logged(out / name / "tensorboard")]
    found |= {"curve": rising(epochs), "epochs": len(epochs)}
    if trouble:
        return found
    metrics = json.loads((out / name / "export" / "metrics.json").read_text())
    found |= {"summary": metrics["summary"], "unseen": score(metrics, photos)}
    if options["unseen"]:
        arguments = [tune, "evaluate", out / name / "export", options["unseen"], "--json"]
        *_, shown, trouble = run([*arguments, "--cache-dir", out / "cache"], log)
        found["unseen"] = None if trouble else score(json.loads(shown), photos)
    return found


def unequal(photos):
    """Whether `tune run` takes balanced accuracy for these classes."""
    counts = [len(list(folder.iterdir())) for folder in (photos / "train").iterdir()]
    return are_unequal(counts)


def score(measured, photos):
    return measured["balanced_accuracy" if unequal(photos) else "accuracy"]


def rising(epochs):
    """[seconds, validation accuracy] of every epoch that was better than all before."""
    curve = []
    for seconds, value in sorted(epochs):
        if not curve or round(value, 5) > curve[-1][1]:  # float32 here, float64 there
            curve.append([round(seconds, 2), round(value, 5)])
    return curve


def parts_of(options):
    """The parts in the order in which they are run: ours in between, one seed after the other."""
    for name in options["peers"]:
        for size in options["sizes"]:
            yield f"{name}-{size}", race_peer, (name, size)
    for seed in options["seeds"]:
        for minutes in options["minutes"]:
            yield f"tune-{minutes:g}-{seed}", race_tune, (minutes, seed)


def table(race, options):
    """After each time (minutes): by side the unseen accuracy, of ours one per seed."""
    parts, rows = race["parts"], {}
    for minutes in options["minutes"]:
        ours = [parts.get(f"tune-{minutes:g}-{seed}", {}) for seed in options["seeds"]]
        row = {"tune": [part["unseen"] for part in ours if part.get("unseen") is not None]}
        for name in options["peers"]:
            sizes = [parts.get(f"{name}-{size}", {}) for size in options["sizes"]]
            found = [part.get("unseen", {}).get(f"{minutes:g}") for part in sizes]
            row[name] = [max((v for v in found if v is not None), default=None)]
        rows[f"{minutes:g}"] = row
    return rows


def times(race, options):
    """For each peer: seconds of either side to the best validation accuracy of the other.

    Ours is the longest run of the first seed, whose split the peers have.
    """
    parts = race["parts"]
    ours = parts.get(f"tune-{max(options['minutes']):g}-{options['seeds'][0]}", {}).get("curve")
    found = {}
    for name in options["peers"]:
        curves = [parts.get(f"{name}-{size}", {}).get("curve") for size in options["sizes"]]
        best = max((c for c in curves if c), key=lambda curve: curve[-1][1], default=None)
        if best and ours:
            found[name] = {
                "peer_to_its_best": best[-1][0],
                "tune_to_that": time_to(ours, best[-1][1]),
                "tune_to_its_best": ours[-1][0],
                "peer_to_that": time_to(best, ours[-1][1]),
            }
    return found


def show(race, options):
    for minutes, row in table(race, options).items():
        words = []
        for side, values in row.items():
            known = [value for value in values if value is not None]
            listed = " ".join(f"{value:.4f}" for value in known) or "nothing"
            mean = f" (mean {statistics.mean(known):.4f})" if known[1:] else ""
            words.append(f"{side} {listed}{mean}")
        print(f"after {minutes} min: {', '.join(words)}")
    for name, seconds in times(race, options).items():
        print(f"{name}: {json.dumps(seconds)}")


def numbers(kind):
    return lambda context, parameter, value: tuple(map(kind, value.split(",")))


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--peer", "peers", multiple=True, type=click.Choice(list(PEERS)))
@click.option("--weights", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--unseen", type=click.Path(exists=True, path_type=Path))
@click.option("--minutes", default="1,3,10", show_default=True, callback=numbers(float))
@click.option("--seeds", default="0,1,2", show_default=True, callback=numbers(int))
@click.option("--sizes", default="96,224", show_default=True, callback=numbers(int))
@click.option("--out", type=click.Path(path_type=Path), default=Path("results/race"))
@click.option(
    "--environments",
    type=click.Path(path_type=Path),
    default=Path("results/environments"),
    show_default=True,
    help="Where the environments of the peers are made.",
)
@click.option("--at-most", type=int, help="Parts to run in this call.")
def main(data, out, at_most, **options):
    out.mkdir(parents=True, exist_ok=True)
    options["out"], path = out, out / "race.json"
    race = json.loads(path.read_text()) if path.exists() else {"data": str(data), "parts": {}}
    if race["data"] != str(data):
        sys.exit(f"{path}: is of {race['data']}; choose another --out")
    photos = dealt(data, out)
    left = [part for part in parts_of(options) if part[0] not in race["parts"]]
    for name, racer, arguments in left[:at_most]:
        race["parts"][name] = racer(*arguments, photos, options)
        path.with_suffix(".new").write_text(json.dumps(race, indent=1))
        path.with_suffix(".new").replace(path)
        print(f"{name}: {race['parts'][name]['trouble'] or 'raced'}", file=sys.stderr, flush=True)
    show(race, options)
    draw(table(race, options), out / "race.png")


if __name__ == "__main__":
    main()
