"""Trials of tiny models on tiny images: run folders, configurations, records."""

import tempfile
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import keras
import keras_tuner
import numpy as np
from searching import run_config, trial_record

from models.known_good import baseline_values, default_values
from models.pretrained.networks import build_backbone
from search.algorithms.registry import make_oracle
from search.executors.in_process import InProcess
from search.process.atomic_files import write_array, write_arrays, write_json
from search.process.stop_signal import StopSignal
from search.run_folder.paths import RunFolder
from search.run_folder.ranking import configuration_history
from search.run_folder.record_files import load_records
from search.trial import run_trial as module
from search.trial.checkpoint import TrainingState
from search.trial.early_stop import peer_curves
from search.trial.experiment import Experiment
from search.trial.messages import TrialTask
from search.trial.storage import RunFolderStorage
from search.tuning.loop import Search

COUNT = 24
EPOCHS = 10


def stripes(count, size):
    """Images uint8 [count, size, size, 3], striped along (0) or across (1): (pixels, classes)."""
    rng = np.random.default_rng(0)
    classes = np.arange(count, dtype=np.int32) % 2
    wave = np.where(np.arange(size) // 2 % 2, 200, 40)
    pictures = np.array(
        [np.tile(wave, (size, 1)).T if k else np.tile(wave, (size, 1)) for k in classes]
    )
    noise = rng.integers(-40, 40, (count, size, size, 3))
    return (pictures[..., None] + noise).clip(0, 255).astype(np.uint8), classes


def experiment_in(folder, **config):
    """A run folder as `tune run` leaves it before the first trial, loaded."""
    settled = run_config(**({"max_epochs": EPOCHS} | config))
    run = RunFolder(folder / "run")
    pixels, targets = stripes(COUNT, settled.image_size[0])
    np.save(folder / "pixels.npy", pixels)
    settled.save(run)
    write_json(
        run.data,
        {
            "root": str(folder / "pictures"),
            "fingerprint": "made up",
            "labels": ["along", "across"],
            "pictures": COUNT,
            "set_aside": 0,
            "pixels": str(folder / "pixels.npy"),
            "splits": {"train": 14, "validation": 6, "test": 4},
            "given": [],
        },
    )
    paths = [f"{('along', 'across')[k]}/{number:02d}.png" for number, k in enumerate(targets)]
    size = settled.image_size
    write_json(
        run.older_images,
        {
            "root": str(folder / "pictures"),
            "paths": paths,
            "formats": ["PNG"] * COUNT,
            "sizes": [size] * COUNT,
            "pixel_hashes": ["0" * 32] * COUNT,  # there are no such files
        },
    )
    write_array(run.targets, targets)
    write_array(run.groups, np.arange(COUNT))
    rows = np.arange(COUNT)
    write_arrays(run.splits, train=rows[:14], validation=rows[14:20], test=rows[20:])
    return Experiment.load(run)


@cache
def _drawn_weights():
    """Weights of a backbone, drawn at random once per process, as the bytes of a file."""
    keras.utils.set_random_seed(1)
    backbone = build_backbone("mobilenet_075", image_size=(32, 32), weights=None)
    for variable in backbone.weights:
        if len(variable.shape) == 4:  # as drawn, what comes out of 27 layers is nearly nothing
            variable.assign(variable * 8.0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "own.weights.h5")
        backbone.save_weights(path)
        return path.read_bytes()


def transfer_experiment(folder, **config):
    """Transfer from weights drawn at random: what they know does not matter here."""
    (folder / "own.weights.h5").write_bytes(_drawn_weights())
    settled = {
        "families": ("transfer",),
        "backbones": ("mobilenet_075",),
        "image_size": (32, 32),
        "weights": str(folder / "own.weights.h5"),
    }
    return experiment_in(folder, **(settled | config))


SMALL = {
    "transfer, frozen": {
        "transfer/head_units": 8,
        "transfer/normalization": "batch",
        "transfer/image_size": 32,
        "batch_size": 8,
        "augmentation/strength": 0.3,
    },
    "cnn": {"cnn/filters": 8, "cnn/blocks": 2, "cnn/dropout": 0.3, "batch_size": 8},
    "xception": {
        "xception/width": 0.125,
        "xception/entry": "single",
        "xception/blocks": 2,
        "batch_size": 8,
    },
    "transfer, unfrozen after 3 epochs": {
        "transfer/head_units": 8,
        "transfer/image_size": 32,
        "batch_size": 8,
        "transfer/unfreeze": 0.25,
        "transfer/warmup_epochs": 3,
        "transfer/fine_tune_rate": 0.1,
    },
}


def values_for(experiment, kind, **changes):
    family = kind.split(",")[0]
    values = default_values(experiment.classifier, family) | SMALL[kind] | changes
    hp = keras_tuner.HyperParameters()
    hp.values.update(values)
    experiment.classifier.declare_hyperparameters(hp)
    return dict(hp.values)


def elsewhere(experiment, folder):
    """The same data and configuration, writing into another run folder."""
    return replace(experiment, run=RunFolder(folder / "run"))


def search_in_this_process(experiment, stop=None):
    """A whole search as `tune run --workers 0` makes it, without a display: its records."""
    space = keras_tuner.HyperParameters()
    experiment.classifier.declare_search(space)
    oracle = make_oracle(
        experiment.config,
        space,
        baselines=baseline_values(experiment.classifier),
        baselines_on=partial(baseline_values, experiment.classifier),
        directory=experiment.run.path,
    )
    search = Search(
        experiment.run,
        oracle,
        InProcess(experiment),
        observers=[],
        max_epochs=experiment.config.max_epochs,
        stop=stop or StopSignal(),
    )
    assert search.to_the_end() is (stop is None)
    return load_records(experiment.run)


def task_of(experiment, record):
    """What the search's loop gives an executor for this record."""
    others = [r for r in load_records(experiment.run) if r.trial_id != record.trial_id]
    return TrialTask(
        record.spec,
        earlier=tuple(configuration_history(others, record.configuration)),
        peers=peer_curves(others, record.configuration),
    )


def run_trial(experiment, record, report, models=None):
    """Run a trial as the search's loop does: its record afterwards."""
    result = module.run_trial(
        experiment,
        task_of(experiment, record),
        report,
        storage=RunFolderStorage(experiment.run),
        models=models,
    )
    return record.with_result(result)


def fresh(trial_id="0000", **fields):
    defaults = {"score": None, "status": "running", "configuration": "0000", "epochs": 3}
    return trial_record(trial_id, **(defaults | fields))


def go_on(progress):
    return True


def stop_after_epoch(epoch):
    """A report that says stop when that many epochs are done."""
    return lambda progress: not (progress.logs and progress.epoch + 1 >= epoch)


def state_of(experiment, trial_id="0000"):
    return TrainingState.load(experiment.run.checkpoint(trial_id))


def assert_same_state(one, other):
    assert one.epoch == other.epoch
    for mine, theirs in zip(
        [*one.weights, *one.optimizer], [*other.weights, *other.optimizer], strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)
