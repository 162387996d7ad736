"""Write folders of runs that were never trained, for benchmarks of what reads them."""

import itertools
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/support"))  # made_up_search.py

TUNE = [sys.executable, "-c", "from search.cli import main; main()"]
IMAGES, SIZE = 600, 64  # of a made-up run, in pixels


def made_up_run(folder: Path, configurations: int = 1000, seed: int = 0) -> Any:
    """Write the folder of a Hyperband run that was never trained; its `RunFolder`.

    Complete but for the photos: settings, data, noise for pixels, splits, the oracle's file, a
    record with a history for each trial and its predictions on the validation images. Three
    families, 27 epochs; learning rate and normalization matter.
    """
    from made_up_search import begun, draws, searched

    from search.algorithms.plan import hyperband_rungs
    from search.run_folder.paths import RunFolder

    run = RunFolder(folder)
    rng = np.random.default_rng(seed)
    config, space, baselines = begun(
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
    values = itertools.islice(itertools.chain(baselines, draws(space, seed)), configurations)
    one_round = hyperband_rungs(config.max_epochs, config.factor, len(baselines))
    rounds = configurations // sum(rung.size for rung in one_round if not rung.initial_epoch) + 1
    records = searched(
        values,
        lambda v: plausible(v, rng),
        rungs=tuple(one_round) * rounds,
        make=full_record(rng),
        baselines=len(baselines),
    )
    run.trials.mkdir(exist_ok=True)
    for record in records:  # plainly: thousands of writes that wait for the disk take minutes
        (run.trials / f"{record.trial_id}.json").write_text(json.dumps(asdict(record), indent=1))
        np.save(run.predictions(record.trial_id), predictions(targets, record.score, rng))
    return run


def write_data(run: Any, rng: np.random.Generator) -> Any:
    """What a run was given; class numbers of the validation images."""
    from search.process.atomic_files import write_array, write_arrays, write_json

    order, targets = rng.permutation(IMAGES), rng.integers(0, 2, IMAGES).astype(np.int32)
    train, validation, test = np.split(order, [IMAGES * 7 // 10, IMAGES * 17 // 20])
    pixels = run.path / "pixels.npy"
    write_array(pixels, rng.integers(0, 256, (IMAGES, SIZE, SIZE, 3), np.uint8))
    write_array(run.targets, targets)
    write_array(run.groups, np.arange(IMAGES))
    write_arrays(run.splits, train=train, validation=validation, test=test)
    labels = ["cat", "dog"]
    write_json(
        run.data,
        {
            "root": "/photos",
            "fingerprint": "made up",
            "labels": labels,
            "pictures": IMAGES,
            "set_aside": 0,
            "pixels": str(pixels.resolve()),
            "splits": {"train": len(train), "validation": len(validation), "test": len(test)},
            "leaks": [],
        },
    )
    write_json(
        run.older_images,
        {
            "root": "/photos",
            "paths": [f"{labels[target]}/{number}.jpg" for number, target in enumerate(targets)],
            "formats": ["JPEG"] * IMAGES,
            "sizes": [[SIZE, SIZE]] * IMAGES,
        },
    )
    return targets[validation]


def plausible(values: dict[str, Any], rng: np.random.Generator) -> float:
    """Accuracy that a configuration would reach: by family, learning rate and normalization."""
    family = values["family"]
    rate = values.get("learning_rate", values.get("sgd_learning_rate", 0) / 10)
    hump = -(np.log10(rate / 2e-3) ** 2)
    normalized = values.get(f"{family}/normalization") == "batch"
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
