"""Runs whose labels can be judged: a tiny run with a finished trial, in a folder of its own."""

import json
import shutil
from pathlib import Path

import numpy as np
from searching import trial_record
from small_trials import values_for

from search.process.atomic_files import read_json, write_array, write_json
from search.run_folder.paths import RunFolder
from search.trial.experiment import Experiment

HEAD = "transfer, frozen"


def copied_run(experiment, folder):
    """The run's files under folder/results/run, with pixels, and so features, of its own."""
    run = RunFolder(folder / "results" / "run")
    shutil.copytree(experiment.run.path, run.path)
    pixels = shutil.copy(read_json(run.data)["pixels"], folder / "pixels.npy")
    write_json(run.data, read_json(run.data) | {"pixels": str(pixels)})
    write_array(run.groups, np.arange(len(experiment.targets)))
    return run


def judged_run(experiment, folder, kind, *, epochs=1, **values):
    """The same, with one finished trial of a configuration."""
    run = copied_run(experiment, folder)
    values = values_for(experiment, kind, **values)
    trial_record("0000", 0.75, values=values, best_epoch=epochs - 1, epochs=epochs).save(run)
    return run


def with_flipped(run, rows):
    """The run as if the labels of these rows were wrong, loaded."""
    targets = np.load(run.targets)
    targets[rows] = 1 - targets[rows]
    write_array(run.targets, targets)
    return Experiment.load(run)


def telling_features(bank, rows, update):
    """In place of a backbone's: features that tell the true class, the same for each row."""
    true = np.arange(len(bank.experiment.targets)) % 2
    random = np.random.default_rng(0)
    features = random.normal(0, 0.3, (len(true), *bank.shape))
    return (features + np.where(true, 1.0, -1.0)[:, None]).astype(np.float32)


def rename_images(run, names, root=None):
    """Give the first images other paths, and the class folders another root."""
    pictures = read_json(run.older_images)
    pictures["paths"][: len(names)] = names
    if root is not None:
        pictures["root"] = str(root)
    run.older_images.write_text(json.dumps(pictures))
    return Path(pictures["root"])
