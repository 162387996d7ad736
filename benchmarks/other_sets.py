"""What a search exports on sets of all kinds, beside the largest class and a linear probe.

    python benchmarks/other_sets.py DATA... --weights DIR --max-time 2m [--drawn] --out FOLDER

For each folder, and with --drawn for drawn sets whose classes are unequal by 1, 10 and 100:
`tune run --max-time T --then-export`, then on the very same test images the accuracy and balanced
accuracy of what was exported, the recall of its rarest class, what always naming the largest
class reaches, and what a linear probe of each backbone reaches at 160 and 224 px that is fitted to
the same training images: the one that is best on validation, by the objective of the run. With
--before the program of another checkout is run in the same way; its test images may be others.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from data_pipeline.sample import draw_sample

DRAWN = {"1:1": (200, 200, 200), "1:10": (300, 95, 30), "1:100": (400, 40, 4)}
LIMIT = 30 * 60  # seconds for one command


def drawn(folder, counts):
    """A drawn set of which so many images of each class are kept."""
    draw_sample(folder, images_per_class=max(counts))
    labels = sorted(path for path in folder.iterdir() if path.is_dir())
    for label, count in zip(labels, counts, strict=True):
        for path in sorted(label.iterdir())[count:]:
            path.unlink()
    return folder


def exported(data, name, out, options, tree=None):
    """Metrics of what `tune run --then-export` exports, and the run's objective.

    Args:
        data: folder of images.
        name: of the run.
        out: folder of results.
        options: of this command.
        tree: another checkout, whose program is run.
    """
    tune = Path(sys.executable).with_name("image-tune")
    command = [tune, "run", data, "--results", out, "--name", name, "--then-export"]
    command += ["--cache-dir", out / "cache", "--weights", options["weights"]]
    command += ["--max-time", options["max_time"], "--seed", "0"]
    own = os.environ | ({"PYTHONPATH": str(tree)} if tree else {})
    with (out / f"{name}.log").open("w") as log:
        subprocess.run(command, check=True, timeout=LIMIT, stdout=log, stderr=log, env=own)
    config = json.loads((out / name / "config.json").read_text())
    return json.loads((out / name / "export" / "metrics.json").read_text()), config["objective"]


def probed(run, objective):
    """(accuracy, balanced accuracy) on the test images of the probe that is best on validation."""
    from probe import Probe

    from search.algorithms.racing.plan import race_of
    from search.algorithms.racing.race import Race
    from search.run_folder.paths import RunFolder
    from search.trial.experiment import Experiment
    from search.trial.keras_setup import prepare_to_train

    experiment = Experiment.load(RunFolder(run))
    prepare_to_train(experiment.config)
    experiment = replace(experiment, config=replace(experiment.config, objective=objective))
    race: Race = race_of(experiment.config)
    place = 1 if objective == "val_balanced_accuracy" else 0
    found = []
    for values in race.candidates:
        validation, test, *_ = Probe(experiment, values).fitted()
        found.append((validation[place], test[0], test[1]))
    return max(found)[1:]


def in_figures(metrics):
    """Accuracy, balanced accuracy, and the recall of the rarest class, on the test images."""
    matrix = np.array(metrics["confusion_matrix"])
    images = matrix.sum(axis=1)
    recalls = np.diag(matrix) / np.maximum(images, 1)
    rarest, accuracy = images.argmin(), metrics["accuracy"]
    return f"{accuracy:.4f}, {recalls.mean():.4f}, {recalls[rarest]:.2f} of {images[rarest]}"


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--weights", type=click.Path(exists=True, resolve_path=True), required=True)
@click.option("--max-time", default="2m", show_default=True)
@click.option("--drawn", "with_drawn", is_flag=True)
@click.option("--before", type=click.Path(exists=True, resolve_path=True))
@click.option("--out", type=click.Path(path_type=Path), required=True)
def main(folders, with_drawn, before, out, **options):
    out.mkdir(parents=True, exist_ok=True)
    sets = {folder.name: folder for folder in folders}
    with tempfile.TemporaryDirectory() as scratch:
        for name, counts in DRAWN.items() if with_drawn else ():
            sets[f"drawn-{name.replace(':', '-')}"] = drawn(Path(scratch) / name, counts)
        print("data | objective | exported: accuracy, balanced, rarest recall | largest | probe")
        for name, folder in sets.items():
            metrics, objective = exported(folder, name, out, options)
            accuracy, balanced = probed(out / name, objective)
            print(
                f"{name} | {objective} | {in_figures(metrics)} | "
                f"{metrics['majority_class_accuracy']:.4f} | {accuracy:.4f}, {balanced:.4f}",
                flush=True,
            )
            if before:
                metrics, objective = exported(folder, f"{name}-before", out, options, before)
                print(f"{name}, before | {objective} | {in_figures(metrics)}", flush=True)


if __name__ == "__main__":
    main()
