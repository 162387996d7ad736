"""Measure the models that a search had after some seconds on photos that it never saw.

    python benchmarks/peers/evaluate.py OUT PHOTOS --seconds 60,180,600 --image-size 224

Prints JSON: for each time the accuracy, with --balanced the mean of the recalls of all classes;
null where there was no model yet.
"""

import argparse
import json
from pathlib import Path

import keras
import numpy as np


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--seconds", required=True)
    parser.add_argument("--image-size", type=int, required=True)
    parser.add_argument("--balanced", action="store_true")
    options = parser.parse_args()
    dataset = keras.utils.image_dataset_from_directory(
        options.photos,
        image_size=(options.image_size, options.image_size),
        shuffle=False,
        verbose=False,
    )
    models = sorted(options.out.glob("best-*.keras"))
    measured, known = {}, {}
    for limit in map(float, options.seconds.split(",")):
        there = [path for path in models if float(path.stem.partition("-")[2]) <= limit]
        best = there[-1] if there else None
        if best not in known:
            known[best] = accuracy(best, dataset, balanced=options.balanced) if best else None
        measured[f"{limit:g}"] = known[best]
    print(json.dumps(measured))


def accuracy(path, dataset, *, balanced):
    model = keras.models.load_model(path, compile=False, custom_objects=own_layers())
    right, classes = [], []
    for images, labels in dataset:
        answers = model.predict_on_batch(images)
        # Of two classes AutoKeras gives the second one's probability alone.
        chosen = answers[:, 0] > 0.5 if answers.shape[1] == 1 else answers.argmax(axis=1)
        right.append(chosen == labels.numpy())
        classes.append(labels.numpy())
    right, classes = np.concatenate(right), np.concatenate(classes)
    if balanced:
        return float(np.mean([right[classes == label].mean() for label in np.unique(classes)]))
    return float(right.mean())


def own_layers():
    try:
        import autokeras
    except ImportError:
        return {}
    return autokeras.CUSTOM_OBJECTS


if __name__ == "__main__":
    main()
