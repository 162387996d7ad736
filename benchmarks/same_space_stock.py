"""Run the same search with KerasTuner alone, written as its guide shows; for same_space.py.

    python benchmarks/same_space_stock.py FOLDER --weights FILE --out FOLDER

FOLDER holds train/ and validation/ with two class folders inside. Networks, optimizers, ranges and
photos are those of `tune run`; everything around them is KerasTuner's and Keras's own. Writes a
JSON line per epoch and per trial to epochs.jsonl, and what it found to result.json.
"""

import contextlib
import json
import math
import time
from pathlib import Path

import click
import keras
import keras_tuner
import tensorflow as tf

from data_pipeline.augment import augment
from models.families import transfer
from models.hypermodel import ImageClassifier
from models.pretrained.backbones import default_backbones
from models.pretrained.networks import available_backbones

ROUNDS = 100  # of Hyperband: more than a limit in time lets begin


class TimeIsUpError(keras_tuner.errors.FatalError):
    """KerasTuner lets this one out of a search."""


class WatchedHyperband(keras_tuner.Hyperband):
    """KerasTuner's, and `note` is told when an epoch or a trial has ended.

    It ends in the epoch in which `end` comes, in seconds of Unix time.
    """

    note = None
    end = math.inf

    def run_trial(self, trial, *args, **kwargs):
        def epoch_end(epoch, logs):
            known = {name: logs[name] for name in ("val_accuracy", "loss")}
            self.note(trial=trial.trial_id, epoch=epoch, **known)

        def batch_end(batch, logs):
            if time.time() > self.end:
                raise TimeIsUpError

        start, watch = (
            time.time(),
            keras.callbacks.LambdaCallback(on_epoch_end=epoch_end, on_train_batch_end=batch_end),
        )
        results = super().run_trial(trial, *args, callbacks=[watch], **kwargs)
        self.note(trial=trial.trial_id, trial_seconds=round(time.time() - start, 3))
        return results


class StockModel(keras_tuner.HyperModel):
    """Augmentation in Keras's layers, then the network, compiled once."""

    def __init__(self, classifier, photos, max_epochs):
        super().__init__()
        self.classifier, self.photos, self.max_epochs = classifier, photos, max_epochs

    def build(self, hp):
        network = self.classifier.build(hp)
        images = x = keras.Input((*self.classifier.options.image_size, 3))
        for layer in augmentation(hp.get("augmentation/strength")):
            x = layer(x)
        model = keras.Model(images, network(x))
        scale = 1.0
        if hp.get("family") == "transfer":
            transfer.set_trainable(network, hp, self.classifier.options, 0)
            scale = hp.get("transfer/fine_tune_rate") if transfer.unfrozen_part(hp.values) else 1.0
        steps = self.photos // hp.get("batch_size") * self.max_epochs
        model.compile(
            optimizer=optimizer(hp, scale, steps),
            loss=keras.losses.BinaryCrossentropy(label_smoothing=hp.get("label_smoothing")),
            metrics=["accuracy"],
            jit_compile=False,  # Keras's default, XLA, is several times slower on a CPU
        )
        return model

    def fit(self, hp, model, train, **kwargs):
        # The remainder is dropped: oneDNN corrupts memory when a step's batch size changes.
        batches = train.shuffle(self.photos).batch(hp.get("batch_size"), drop_remainder=True)
        return model.fit(batches.prefetch(tf.data.AUTOTUNE), **kwargs)


def optimizer(hp, scale, steps):
    """The choices of `tune` but for `hold`, which Keras's schedule does not have.

    `steps` is the length of the longest training.
    """
    sgd = hp.get("optimizer") == "sgd"
    rate = hp.get("sgd_learning_rate" if sgd else "learning_rate") * scale
    if hp.get("schedule") == "cosine":
        warmup = round(hp.get("warmup") * steps)
        low, high = (rate / (warmup + 1), rate) if warmup else (rate, None)
        rate = keras.optimizers.schedules.CosineDecay(
            low, max(1, steps - warmup), warmup_target=high, warmup_steps=warmup
        )
    if hp.get("optimizer") == "adam":
        return keras.optimizers.Adam(rate)
    decay = hp.get("weight_decay") or None
    if sgd:
        chosen = keras.optimizers.SGD(rate, momentum=hp.get("momentum"), weight_decay=decay)
    else:
        chosen = keras.optimizers.AdamW(rate, weight_decay=decay or 0.0)
    chosen.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return chosen


def augmentation(strength):
    """The ranges of `tune`; RandAugment, erasing and mixing are left out, which costs no time."""
    if strength == 0:
        return []
    turn = augment.ROTATION / math.tau * strength
    return [
        keras.layers.RandomFlip("horizontal"),
        keras.layers.RandomRotation(turn),
        keras.layers.RandomTranslation(augment.SHIFT * strength, augment.SHIFT * strength),
        keras.layers.RandomZoom(augment.ZOOM * strength),
        keras.layers.RandomBrightness(augment.BRIGHTNESS / 255 * strength),
        keras.layers.RandomContrast(augment.CONTRAST * strength),
    ]


@click.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.option("--weights", required=True)
@click.option("--unseen", help="Photos to measure the best model on.")
@click.option("--families", default="cnn,xception,transfer")
@click.option("--image-size", default=96)
@click.option("--max-epochs", default=9)
@click.option("--seed", default=0)
@click.option("--minutes", type=int, help="That the search may take; else one round of Hyperband.")
@click.option("--spawned", type=float, default=time.time, help="time.time() when it was spawned.")
@click.option("--out", type=click.Path(path_type=Path), required=True)
def main(folder, weights, unseen, families, image_size, max_epochs, seed, minutes, spawned, out):
    keras.utils.set_random_seed(seed)
    size = (image_size, image_size)

    def photos(path, batch_size=64):
        return keras.utils.image_dataset_from_directory(
            path, label_mode="binary", image_size=size, batch_size=batch_size, seed=seed
        )

    def note(**facts):
        facts = {"seconds": round(time.time() - spawned, 3)} | facts
        with (out / "epochs.jsonl").open("a") as log:
            log.write(json.dumps(facts) + "\n")

    train, validation = photos(folder / "train", None), photos(folder / "validation")
    classifier = ImageClassifier(
        families=tuple(families.split(",")),
        backbones=available_backbones(default_backbones(light=True), weights, size),
        image_size=size,
        num_classes=2,
        compact=True,
        weights=weights,
    )
    tuner = WatchedHyperband(
        StockModel(classifier, int(train.cardinality()), max_epochs),
        objective="val_accuracy",
        max_epochs=max_epochs,
        hyperband_iterations=ROUNDS if minutes else 1,
        seed=seed,
        directory=out,
    )
    tuner.note = note
    tuner.end = spawned + minutes * 60 if minutes else math.inf
    with contextlib.suppress(TimeIsUpError):
        tuner.search(
            train.cache(), validation_data=validation.cache().prefetch(tf.data.AUTOTUNE), verbose=0
        )
    best = tuner.oracle.get_best_trials(1)[0]
    result = {"search_seconds": round(time.time() - spawned, 3)}
    result |= {"val_accuracy": best.score, "configuration": best.hyperparameters.values}
    if unseen:
        model = tuner.get_best_models(1)[0]
        result["unseen_accuracy"] = model.evaluate(photos(unseen), return_dict=True)["accuracy"]
    (out / "result.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main()
