"""What a user of any tuner writes around it, as the guides of Keras have it; for race.py.

Runs in the environment of a peer, which knows nothing of this project: photos by
`image_dataset_from_directory`, a pretrained network with a new head, and the best model so far
kept on disk. Each file beside this one is the same search by another tuner:

    python benchmarks/peers/optuna_search.py FOLDER --weights DIR --out DIR --image-size 224

FOLDER holds train/ and validation/. Writes a line per epoch to epochs.jsonl, and each model that
is better than all before to best-SECONDS.keras.
"""

import argparse
import json
import time
from pathlib import Path

import keras
import tensorflow as tf

MAX_EPOCHS = 10
BATCH_SIZE = 32
NETWORKS = {
    "mobilenet_v2": (
        keras.applications.MobileNetV2,
        {},
        "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
    ),
    "mobilenet_075": (
        keras.applications.MobileNet,
        {"alpha": 0.75},
        "mobilenet_7_5_224_tf_no_top.h5",
    ),
}
UNITS = (0, 64, 128, 256)
FINE_TUNED = (0.0, 0.3)  # part of the layers, from the last one on
RATES = (1e-5, 1e-2)
DROPOUT = (0.0, 0.5)
ROTATION = (0.0, 0.2)


def arguments():
    """The command line that all peers share."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, help="Holds train/ and validation/.")
    parser.add_argument("--weights", type=Path, required=True, help="Folder of published files.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=600.0, help="That the search may take.")
    parser.add_argument("--spawned", type=float, default=time.time())
    options = parser.parse_args()
    options.folder, options.weights, options.out = (
        path.resolve() for path in (options.folder, options.weights, options.out)
    )
    keras.utils.set_random_seed(options.seed)
    return options


def photos(options, part):
    """Batches of pixels 0-255 and class numbers, decoded once."""
    dataset = keras.utils.image_dataset_from_directory(
        options.folder / part,
        image_size=(options.image_size, options.image_size),
        batch_size=BATCH_SIZE,
        shuffle=part == "train",
        seed=options.seed,
        verbose=False,
    )
    names, cached = dataset.class_names, dataset.cache()
    if part == "train":
        cached = cached.shuffle(64, seed=options.seed)
    return cached.prefetch(tf.data.AUTOTUNE), len(names)


def network(options, num_classes, values):
    """A compiled classifier on a pretrained network.

    `values`: "network", "fine_tuned", "units", "dropout", "rotation" and "learning_rate".
    """
    constructor, fixed, file = NETWORKS[values["network"]]
    size = options.image_size
    base = constructor(
        **fixed,
        include_top=False,
        pooling="avg",
        input_shape=(size, size, 3),
        weights=str(options.weights / file),
    )
    frozen = round(len(base.layers) * (1 - values["fine_tuned"]))
    for layer in base.layers[:frozen]:
        layer.trainable = False
    inputs = keras.Input((size, size, 3))
    x = keras.layers.RandomFlip("horizontal")(inputs)
    x = keras.layers.RandomRotation(values["rotation"])(x)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(x)
    x = base(x, training=False)
    if values["units"]:
        x = keras.layers.Dense(values["units"], activation="relu")(x)
    x = keras.layers.Dropout(values["dropout"])(x)
    model = keras.Model(inputs, keras.layers.Dense(num_classes, activation="softmax")(x))
    model.compile(
        optimizer=keras.optimizers.Adam(values["learning_rate"]),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,  # Keras's default, XLA, is several times slower on a processor
    )
    return model


class KeepBest(keras.callbacks.Callback):
    """Notes every epoch, and writes a model that is better than all before, of any process."""

    def __init__(self, out, spawned):
        super().__init__()
        self.out, self.spawned = str(out), spawned

    def on_epoch_end(self, epoch, logs=None):
        out = Path(self.out)
        seconds = time.time() - self.spawned
        value = float((logs or {})["val_accuracy"])
        best = max((line["val_accuracy"] for line in epochs(out)), default=-1.0)
        if value > best:
            partial = out / f"partial-{seconds:09.2f}.keras"
            self.model.save(partial)
            seconds = time.time() - self.spawned  # it is there only now
            partial.rename(out / f"best-{seconds:09.2f}.keras")
        line = {"seconds": round(seconds, 2), "epoch": epoch, "val_accuracy": value}
        with (out / "epochs.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")


def epochs(out):
    """What was noted so far."""
    log = out / "epochs.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
