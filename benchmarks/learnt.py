"""Is what `tune show` says a search has taught true, and is it said soon?

    python benchmarks/learnt.py truth     # made-up searches: false alarms, and what is found
    python benchmarks/learnt.py order     # which share of the best PED-ANOVA should look at
    python benchmarks/learnt.py show      # time of `tune show` on a run of 1,000 configurations

`truth` draws configurations of the CNN family at random from the real space, once with scores
that are noise and once with scores that depend on the learning rate (best at 3e-3) and the number
of blocks (the more the better), each with a variance of 1, and on noise with a variance of 0.5.
SGD is left out there, so that each has a learning rate. It compares our check with what permuting
PED-ANOVA's importances would find.
"""

import itertools
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

TUNE = [sys.executable, "-c", "from search.cli import main; main()"]
TRUE = {"learning_rate", "cnn/blocks"}
NOISE = 0.5**0.5
PICTURES, SIZE = 600, 64  # of a made-up run, in pixels


def made_up_run(folder: Path, configurations: int = 1000, seed: int = 0) -> Any:
    """Write the folder of a Hyperband run that was never trained; its `RunFolder`.

    Complete but for the photos: settings, data, noise for pixels, splits, the oracle's file, a
    record with a history for each trial and its predictions on the validation pictures. Three
    families, 27 epochs; learning rate and normalization matter.
    """
    from made_up_search import begun, draws, searched

    from search.plan import hyperband_rungs
    from search.store import RunFolder

    run = RunFolder(folder)
    rng = np.random.default_rng(seed)
    config, space, known_good = begun(
        run,
        algo="hyperband",
        families=("transfer", "cnn", "xception"),
        backbones=("mobilenet_075", "mobilenet_v2"),
        weights="imagenet",
        image_size=(SIZE, SIZE),
        max_epochs=27,
        hyperband_iterations=1000,
    )
    targets = write_data(run, rng)
    values = itertools.islice(itertools.chain(known_good, draws(space, seed)), configurations)
    one_round = hyperband_rungs(config.max_epochs, config.factor, len(known_good))
    rounds = configurations // sum(rung.size for rung in one_round if not rung.initial_epoch) + 1
    records = searched(
        values, lambda v: plausible(v, rng), rungs=tuple(one_round) * rounds, make=full_record(rng)
    )
    run.trials.mkdir(exist_ok=True)
    for record in records:  # plainly: thousands of writes that wait for the disk take minutes
        (run.trials / f"{record.trial_id}.json").write_text(json.dumps(asdict(record), indent=1))
        np.save(run.predictions(record.trial_id), predictions(targets, record.score, rng))
    return run


def write_data(run: Any, rng: np.random.Generator) -> Any:
    """What a run was given; class numbers of the validation pictures."""
    from search.store import write_array, write_arrays, write_json

    order, targets = rng.permutation(PICTURES), rng.integers(0, 2, PICTURES).astype(np.int32)
    train, validation, test = np.split(order, [PICTURES * 7 // 10, PICTURES * 17 // 20])
    pixels = run.path / "pixels.npy"
    write_array(pixels, rng.integers(0, 256, (PICTURES, SIZE, SIZE, 3), np.uint8))
    write_array(run.targets, targets)
    write_array(run.groups, np.arange(PICTURES))
    write_arrays(run.splits, train=train, validation=validation, test=test)
    labels = ["cat", "dog"]
    write_json(
        run.data,
        {
            "root": "/photos",
            "fingerprint": "made up",
            "labels": labels,
            "pictures": PICTURES,
            "set_aside": 0,
            "pixels": str(pixels.resolve()),
            "splits": {"train": len(train), "validation": len(validation), "test": len(test)},
            "leaks": [],
        },
    )
    write_json(
        run.pictures,
        {
            "root": "/photos",
            "paths": [f"{labels[target]}/{number}.jpg" for number, target in enumerate(targets)],
            "formats": ["JPEG"] * PICTURES,
            "sizes": [[SIZE, SIZE]] * PICTURES,
        },
    )
    return targets[validation]


def plausible(values: dict[str, Any], rng: np.random.Generator) -> float:
    """Accuracy that a configuration would reach: by family, learning rate and normalization."""
    family = values["family"]
    rate = values.get("learning_rate", values.get("sgd_learning_rate", 0) / 10)
    hump = -(np.log10(rate / 2e-3) ** 2)
    normalized = values[f"{family}/normalization"] == "batch"
    base = {"transfer": 0.9, "cnn": 0.75, "xception": 0.78}[family]
    quality = base + 0.06 * hump + 0.04 * normalized + 0.015 * rng.standard_normal()
    return float(np.clip(quality, 0.5, 0.99))


def full_record(rng: np.random.Generator) -> Callable[..., Any]:
    """Makes records that have all that a trained one has."""
    from made_up_search import plain_record

    def make(name: str, values: Any, quality: float, rung: Any, place: int, parent: Any) -> Any:
        plain = plain_record(name, values, quality, rung, place, parent)
        history = []
        for logs in plain.history:
            score = float(np.clip(logs["val_accuracy"] + 0.005 * rng.standard_normal(), 0, 1))
            history.append(
                {
                    "epoch": logs["epoch"],
                    "loss": 1.1 - score,
                    "accuracy": min(score + 0.02, 1.0),
                    "learning_rate": values.get("learning_rate", 1e-2),
                    "val_accuracy": score,
                    "val_loss": 1.15 - score,
                    "val_auc": min(score + 0.03, 1.0),
                }
            )
        best = max(history, key=lambda logs: logs["val_accuracy"])
        return plain.with_outcome(
            history=history,
            score=best["val_accuracy"],
            best_epoch=best["epoch"],
            seconds=2.5 * len(history),
            step_seconds=2.0 * len(history),
            attempts=1,
            parameters=int(rng.integers(10_000, 3_000_000)),
        )

    return make


def predictions(targets: Any, accuracy: float, rng: np.random.Generator) -> Any:
    """Probabilities of which about that share is right: float32 [n, 2]."""
    right = rng.random(len(targets)) < accuracy
    sure = rng.uniform(0.5, 1.0, len(targets))
    of_true = np.where(right, sure, 1 - sure)
    first = np.where(targets == 0, of_true, 1 - of_true)
    return np.stack([first, 1 - first], axis=1).astype(np.float32)


@click.group(help=__doc__)
def main() -> None:
    warnings.simplefilter("ignore")


@main.command()
@click.option("--searches", default=200, show_default=True)
@click.option("--sizes", default="16,49,200", show_default=True)
@click.option("--permuted", default=0, show_default=True, help="Searches for PED-ANOVA permuted.")
def truth(searches: int, sizes: str, permuted: int) -> None:
    for size in map(int, sizes.split(",")):
        for name, quality in (("noise", noise), ("truth", two_matter)):
            found = [said(run) for run in made_up(size, searches, quality)]
            named = [each["named"] for each in found]
            print(row(f"{size} {name}", named), flush=True)
            edges = [each["edges"] for each in found]
            print(f"  an end is advised {np.mean([bool(e) for e in edges]):.3f}")
            if permuted:
                named = [by_permuting(run) for run in made_up(size, permuted, quality)]
                print(row(f"{size} {name}, PED-ANOVA permuted, {permuted} searches", named))


def row(name: str, named: list[set[str]]) -> str:
    """How often anything, both, and nothing but both is named."""
    shares = {
        "any": [bool(names) for names in named],
        "both": [names >= TRUE for names in named],
        "exactly both": [names == TRUE for names in named],
        "a false one": [bool(names - TRUE) for names in named],
    }
    return f"{name}: " + ", ".join(f"{what} {np.mean(all_):.3f}" for what, all_ in shares.items())


def noise(values: dict[str, Any], rng: np.random.Generator) -> float:
    return 0.75 + 0.05 * rng.standard_normal()


def two_matter(values: dict[str, Any], rng: np.random.Generator) -> float:
    place = np.log10(values["learning_rate"] / 1e-4) / 2
    course = -((np.linspace(0, 1, 1001) - 0.74) ** 2)
    rate = (-((place - 0.74) ** 2) - course.mean()) / course.std()
    blocks = (values["cnn/blocks"] - 3.5) / 1.12
    return 0.75 + 0.05 * (rate + blocks + NOISE * rng.standard_normal())


def made_up(size: int, searches: int, quality: Callable[..., float]) -> Any:
    """Searches of the CNN family without SGD: (run folder, records, configuration) each."""
    from made_up_search import begun, draws, searched

    from search.store import RunFolder

    rng = np.random.default_rng(size)
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder) / "made-up")
        config, space, known_good = begun(run, families=("cnn",))
        with_rate = (v for v in draws(space, 0) if "learning_rate" in v)
        pool = list(itertools.islice(with_rate, max(1000, 3 * size)))
        for _ in range(searches):
            drawn = [pool[i] for i in rng.choice(len(pool), size, replace=False)]
            yield run, searched(known_good + drawn, lambda v: quality(v, rng)), config


def said(search: Any) -> dict[str, Any]:
    """What we would say of it."""
    from search.learnt.insight import learnt

    found = learnt(*search)
    return {
        "named": {row["name"] for row in found["importance"] if row["matters"]},
        "edges": found["edges"],
    }


def by_permuting(search: Any, share: float = 0.25, times: int = 99) -> set[str]:
    """What is above the 95th percentile of the largest importance after permuting the standings."""
    from search.learnt import importance

    space, values, standings = asked(search)
    before, importance.TOP = importance.TOP, share
    rng = np.random.default_rng(0)
    try:
        largest = [
            max(raw(space, values, rng.permutation(standings)).values()) for _ in range(times)
        ]
        true = raw(space, values, standings)
    finally:
        importance.TOP = before
    return {name for name, value in true.items() if value > np.quantile(largest, 0.95)}


def raw(space: Any, values: Any, standings: Any) -> dict[str, float]:
    """Importances before they are made to add up to 1."""
    from search.learnt.importance import divergences

    return divergences(space, values, [float(each) for each in standings])


def asked(search: Any) -> tuple[Any, Any, list[float]]:
    """Space, values and standings as `learnt` has them."""
    from search.learnt.insight import _of
    from search.learnt.space import read_space
    from search.learnt.standing import members, standings

    run, records, config = search
    drawn = [member for member in members(records, config) if not member.known_good]
    standing = standings(drawn)
    values = [member.values for member in drawn]
    present = set().union(*values)
    space = {n: h for n, h in _of(read_space(run), "cnn").items() if n in present}
    return space, values, [standing[member.configuration] for member in drawn]


@main.command()
@click.option("--searches", default=100, show_default=True)
def order(searches: int) -> None:
    from search.learnt import importance

    for size in (16, 49, 200):
        for share in (0.1, 0.25, 1 / 3, 0.5):
            importance.TOP = share
            right = 0
            for search in made_up(size, searches, two_matter):
                found = raw(*asked(search))
                right += set(sorted(found, key=lambda name: -found[name])[:2]) == TRUE
            print(f"{size}, best {share:.2f}: both first in {right} of {searches}", flush=True)


@main.command()
@click.option("--configurations", default=1000, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path), help="Kept if given.")
def show(configurations: int, folder: Path | None) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        results = folder or Path(temporary)
        run = made_up_run(results / "made-up", configurations)
        print(f"{configurations} configurations, {len(list(run.trials.glob('*.json')))} trials")
        for what in ("cold", "kept", "kept", "kept"):
            started = time.perf_counter()
            told = subprocess.run(
                [*TUNE, "show", "--results", str(results)], check=True, capture_output=True
            ).stdout.decode()
            print(f"tune show, {what}: {time.perf_counter() - started:.2f} s")
        print(told)


if __name__ == "__main__":
    main()
