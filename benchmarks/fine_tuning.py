"""Leave out each part of the recipe of fine-tuning in turn, paired over seeds.

    python benchmarks/fine_tuning.py RUN [--image-size 160] [--epochs 6] [--seeds 3]

RUN is the folder of a run with pretrained weights, such as one of `tune run DATA --families
probe`. Each variant fine-tunes the last part of one backbone on the images to train on, and is
measured on those to validate and to test on, none of which choose anything here. Prints, for each
variant, accuracy and log loss over the seeds, and by how much the whole recipe is better: the mean
of the paired differences and its standard error over images and seeds.
"""

import json
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from search.process.quiet import import_tensorflow

import_tensorflow()

from models import optimization  # noqa: E402
from models.hypermodel import baseline_values  # noqa: E402
from search.evaluation.shares import log_likelihoods  # noqa: E402
from search.run_folder.paths import RunFolder  # noqa: E402
from search.trial.experiment import Experiment  # noqa: E402
from search.trial.keras_setup import prepare_to_train  # noqa: E402
from search.trial.model_cache import ModelCache  # noqa: E402
from search.trial.training import predict_rows  # noqa: E402

WHOLE = "the whole recipe"
VARIANTS = {
    WHOLE: {},
    "head random, not solved first": {"start": None},
    "one rate for all layers": {"values": {"transfer/layer_decay": 1.0}},
    "no clipping": {"clip": None},
    "constant rate": {"values": {"schedule": "constant"}},
    "no warm-up": {"values": {"warmup": 0.0}},
    "no flips": {"values": {"augmentation/strength": 0.0}},
    "no dropout": {"values": {"transfer/dropout": 0.0}},
    "no label smoothing": {"values": {"label_smoothing": 0.0}},
    "label smoothing 0.1": {"values": {"label_smoothing": 0.1}},
    "moving average of weights added": {"ema": 0.99},
}


@contextmanager
def patched(variant):
    """Build optimizers as the variant says."""
    before = optimization.CLIP_NORM, optimization.optimizer

    def with_average(*arguments):
        made = before[1](*arguments)
        made.use_ema, made.ema_momentum = True, variant["ema"]
        made.ema_overwrite_frequency = None
        return made

    optimization.CLIP_NORM = variant.get("clip", before[0])
    if "ema" in variant:
        optimization.optimizer = with_average
    try:
        yield
    finally:
        optimization.CLIP_NORM, optimization.optimizer = before


def trained(experiment, values, variant, seed, epochs):
    """Predictions float32 [held out, classes] and the trained weights."""
    known = replace(experiment, config=replace(experiment.config, max_epochs=epochs))
    training = ModelCache().training(
        known, values | variant.get("values", {}), seed, lambda done, total: None
    )
    if "start" in variant:
        training = replace(training, start=None)
    with patched(variant):
        model = training.build()
        training.compile(model)
        training.fit(model, initial_epoch=0, epochs=epochs, callbacks=[])
    return training, model, predicted(training, model)


def predicted(training, model):
    rows = np.concatenate([training.experiment.validation, training.experiment.test])
    features = training.feature_cache.plain(rows, lambda done, total: None)
    return predict_rows(model, features, rows)


def soup(training, models):
    """Predictions of the mean of the weights of several trainings."""
    weights = [model.get_weights() for model in models]
    models[0].set_weights([np.mean(arrays, axis=0) for arrays in zip(*weights, strict=True)])
    return predicted(training, models[0])


def judged(predictions, targets):
    """(hits, log likelihoods), float64 [seeds, images] each."""
    hits = np.array([p.argmax(axis=1) == targets for p in predictions], float)
    return hits, np.array([log_likelihoods(p, targets) for p in predictions])


def line(name, whole, other):
    values = []
    for mine, its in zip(whole, other, strict=True):
        difference = mine.mean(axis=0)[None] - its if len(its) == 1 else mine - its
        over_images = difference.mean(axis=0).std() / np.sqrt(difference.shape[1])
        over_seeds = difference.mean(axis=1).std(ddof=1) / np.sqrt(len(its)) if len(its) > 1 else 0
        values += [its.mean(), difference.mean(), np.hypot(over_images, over_seeds)]
    return (
        f"{name:34} accuracy {values[0]:.4f} ({values[1]:+.4f} ± {values[2]:.4f})   "
        f"log loss {-values[3]:.4f} ({values[4]:+.4f} ± {values[5]:.4f})"
    )


@click.command()
@click.argument("run", type=click.Path(exists=True, path_type=Path))
@click.option("--backbone", default="mobilenet_v2", show_default=True)
@click.option("--image-size", default=160, show_default=True)
@click.option("--unfreeze", default=0.3, show_default=True)
@click.option("--epochs", default=6, show_default=True)
@click.option("--seeds", default=3, show_default=True)
@click.option("--set", "changes", multiple=True, help="NAME=VALUE of the whole recipe, as JSON.")
@click.option("--only", help="Variants whose names hold this.")
def main(run, backbone, image_size, unfreeze, epochs, seeds, changes, only):
    experiment = Experiment.load(RunFolder(run))
    families = ("probe", "transfer")  # whatever the run searched
    experiment = replace(experiment, config=replace(experiment.config, families=families))
    prepare_to_train(experiment.config)
    hypermodel = experiment.classifier
    values = fine_tuned(hypermodel, backbone, image_size, unfreeze)
    values |= {name: json.loads(value) for name, _, value in (c.partition("=") for c in changes)}
    held_out = np.concatenate([experiment.validation, experiment.test])
    targets, whole = experiment.targets[held_out], None
    for name, variant in VARIANTS.items():
        if only is not None and name != WHOLE and only not in name:
            continue
        begun = time.monotonic()
        runs = [trained(experiment, values, variant, seed, epochs) for seed in range(seeds)]
        result = judged([predictions for *_, predictions in runs], targets)
        whole = whole or result
        seconds = (time.monotonic() - begun) / seeds
        print(line(name, whole, result), f"  {seconds:.0f} s", flush=True)
        if name == WHOLE and seeds > 1:
            mean = np.mean([predictions for *_, predictions in runs], axis=0)
            print(line("  mean of their predictions", whole, judged([mean], targets)))
            souped = soup(runs[0][0], [model for _, model, _ in runs])
            print(line("  soup of their weights", whole, judged([souped], targets)), flush=True)


def fine_tuned(hypermodel, backbone, image_size, unfreeze):
    """The first fine-tuned baseline on this backbone, for another part of it."""
    winner = {"probe/backbone": backbone, "probe/image_size": image_size}
    baselines = baseline_values(hypermodel, [winner])
    values = next(values for values in baselines if values.get("transfer/unfreeze"))
    return values | {"transfer/unfreeze": unfreeze, "transfer/image_size": image_size}


if __name__ == "__main__":
    sys.exit(main())
