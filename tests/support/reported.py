"""Finished runs whose images are there to be shown."""

import json

import keras
import keras_tuner
import numpy as np
from exported_metrics import METRICS
from finished_runs import finished_run
from PIL import Image

from data_pipeline.decoding.hashes import content_hash, pixel_hash
from models.serving import with_preprocessing
from search.algorithms.registry import make_oracle
from search.process.atomic_files import read_json, write_array, write_json
from search.run_folder.paths import RunFolder
from search.run_folder.record_files import load_records

SCORES = (("cnn", 0.5), ("xception", 2 / 3), ("cnn", 5 / 6))
NAMES = ("</script><b>a & b", "--ink")  # of classes: names can be anything


def reported_run(experiment, folder):
    """A run `folder/results/run` of three configurations, two files set aside."""
    run = finished_run(experiment, folder / "results", SCORES).run
    for number, record in enumerate(load_records(run)):
        record.with_outcome(values=record.values | {"learning_rate": 1e-3 * (1 + number)}).save(run)
    _draw(run, np.asarray(experiment.pixels), folder / "pictures")
    (folder / "pictures" / "along" / "half.png").write_bytes(_half_an_image(folder))
    aside = [
        {
            "path": "along/half.png",
            "reason": "truncated",
            "content_hash": content_hash(_half_an_image(folder)),
        },
        {"path": "along/gone.png", "reason": "unreadable: no <such> file", "content_hash": ""},
    ]
    write_json(run.excluded, aside)
    write_json(
        run.data,
        read_json(run.data)
        | {"root": "elsewhere", "labels": list(NAMES), "set_aside": 2, "leaks": []},
    )
    space = keras_tuner.HyperParameters()
    experiment.classifier.declare_hyperparameters(space)
    make_oracle(experiment.config, space, baselines=[], directory=run.path).save()
    return run


def _draw(run: RunFolder, pixels, folder):
    """The run's images as files, larger than they were prepared."""
    pictures, hashes = read_json(run.older_images), []
    for path, picture in zip(pictures["paths"], pixels, strict=True):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(picture).resize((90, 60))
        image.save(folder / path)
        hashes.append(pixel_hash(np.asarray(image)))
    known = {"root": str(folder), "pixel_hashes": hashes}
    run.older_images.write_text(json.dumps(pictures | known))


def _half_an_image(folder):
    whole = sorted((folder / "pictures" / "along").glob("*.png"))[0].read_bytes()
    return whole[: len(whole) // 2]


def export(run, experiment):
    """An exported model beside the run, untrained, and what it would have said: one mistake."""
    run.export.mkdir()
    keras.utils.set_random_seed(0)
    config = experiment.config
    values = read_json(run.trials / "0000.json")["values"]
    hp = keras_tuner.HyperParameters()
    hp.values = dict(values)
    with_preprocessing(
        experiment.classifier.build(hp),
        image_size=config.image_size,
        resize_mode=config.resize_mode,
        num_classes=2,
    ).save(run.export / "model.keras")
    write_json(
        run.export / "labels.json",
        {
            "labels": list(NAMES),
            "image_size": list(config.image_size),
            "resize_mode": config.resize_mode,
            "threshold": None,
        },
    )
    targets = experiment.targets[experiment.test]
    shares = np.eye(2, dtype=np.float32)[targets] * 0.8 + 0.1
    shares[0] = shares[0, ::-1]
    write_array(run.test_predictions, shares)
    write_json(
        run.export / "metrics.json",
        METRICS
        | {
            "labels": list(NAMES),
            "summary": "cnn 8 filters",
            "epochs": 2,
            "trained_on": 20,
            "image_size": list(config.image_size),
        },
    )
