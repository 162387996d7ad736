"""Search over a network of your own beside the built-in ones.

    python examples/own_family.py [PHOTOS]

`build_model` is that of KerasTuner's guide "Getting started". What was changed: it takes the number
of classes as an argument, and begins with a Rescaling, as pixels are 0 to 255. The same from the
command line: tune run PHOTOS --families cnn,examples/own_family.py:build_model
"""

import sys
from pathlib import Path

import keras
from keras import layers

from data_pipeline.sample import draw_sample
from search.api import tune


def build_model(hp, num_classes):
    model = keras.Sequential()
    model.add(layers.Rescaling(1 / 255))
    model.add(layers.Flatten())
    for i in range(hp.Int("num_layers", 1, 3)):
        model.add(
            layers.Dense(
                units=hp.Int(f"units_{i}", min_value=32, max_value=512, step=32),
                activation=hp.Choice("activation", ["relu", "tanh"]),
            )
        )
    if hp.Boolean("dropout"):
        model.add(layers.Dropout(rate=0.25))
    model.add(layers.Dense(num_classes, activation="softmax"))
    learning_rate = hp.Float("lr", min_value=1e-4, max_value=1e-2, sampling="log")
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=learning_rate),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def main():
    if len(sys.argv) > 1:
        data, options = Path(sys.argv[1]), {"max_time": 600}
    else:
        data, options = Path("sample-data"), {"image_size": 32, "max_epochs": 2, "max_trials": 4}
        if not data.exists():
            draw_sample(data, images_per_class=40)

    run = tune(data, families=[build_model, "cnn"], algo="random", **options)
    for row in run.table():
        print(row.score, row.summary)
    print("\n".join(run.insights()))


if __name__ == "__main__":  # the command line imports this file for `build_model` alone
    main()
