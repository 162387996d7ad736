"""Measure how fast images reach a training step, compared with Keras's own readers.

    python benchmarks/pipeline.py DATA --rounds 3

Prints, as JSON, images per second in batches of 64, at 96 and at 180 pixels: of
`training_batches` from prepared pixels, plain and augmented; the same where half of the images,
or none, are prepared and the others are decoded as they are needed (`tune run --disk`); of
`keras.utils.image_dataset_from_directory`, which decodes in every epoch; and of the same with
`.cache().prefetch()`, from its second epoch on. Then the ratios of the plain stream to both,
and of the one that decodes all to Keras's that does.
"""

import json
import statistics
import tempfile
import time
from pathlib import Path

import click

SIZES = (96, 180)
BATCH = 64
WARM = 4  # batches before those that are timed, where images are decoded


def seconds_of(batches):
    start = time.monotonic()
    for _ in batches:
        pass
    return time.monotonic() - start


def rate(stream, images):
    """Return images per second of a stream already warm."""
    return images / seconds_of(stream)


def ours(pixels, catalog, epochs, policy=None):
    import numpy as np

    from data_pipeline.augment.augment import augmenter
    from data_pipeline.pixels.dataset import steps_per_epoch, training_batches
    from data_pipeline.pixels.partly_prepared import PartlyPrepared

    augment = policy and augmenter(policy=policy, strength=0.3, erasing=0.0, mix="none")

    def stream(first, last):
        return training_batches(
            pixels,
            catalog.targets,
            np.arange(len(pixels)),
            num_classes=len(catalog.class_names),
            batch_size=BATCH,
            seed=0,
            initial_epoch=first,
            epochs=last,
            augment=augment,
        )

    # Traces the step and maps the pages.
    seconds_of(stream(0, 1).take(WARM) if isinstance(pixels, PartlyPrepared) else stream(0, 1))
    images = steps_per_epoch(len(pixels), BATCH) * BATCH * epochs
    return rate(stream(1, 1 + epochs), images)


def partly(pixels, catalog, share):
    """The same images, of which a share is prepared and the others are decoded."""
    from data_pipeline.pixels.partly_prepared import OriginalFiles, Originals, PartlyPrepared

    kept = catalog.kept
    files = OriginalFiles(catalog.root, kept.files.paths, kept.pixel_hashes, kept.content_hashes)
    originals = Originals(lambda: files, "squeeze")
    return PartlyPrepared(pixels[: round(share * len(pixels))], len(pixels), originals)


def keras_plain(data, size, count):
    return rate(from_directory(data, size), count)


def keras_cached(data, size, count, epochs):
    import tensorflow as tf

    stream = from_directory(data, size).cache().prefetch(tf.data.AUTOTUNE)
    seconds_of(stream)  # the first epoch fills the cache
    return epochs * count / sum(seconds_of(stream) for _ in range(epochs))


def from_directory(data, size):
    import keras

    return keras.utils.image_dataset_from_directory(
        data, batch_size=BATCH, image_size=(size, size), verbose=False
    )


def one_round(data, size, prepared, epochs):
    """Every figure once, one after the other: a busy moment falls on all alike."""
    catalog, pixels = prepared
    array, count = pixels.open(), len(catalog.kept)
    return {
        "ours": ours(array, catalog, epochs),
        "ours_half_decoded": ours(partly(array, catalog, 0.5), catalog, 1),
        "ours_decoded": ours(partly(array, catalog, 0.0), catalog, 1),
        "keras": keras_plain(data, size, count),
        "keras_cached": keras_cached(data, size, count, epochs),
        "ours_basic": ours(array, catalog, epochs, "basic"),
        "ours_randaugment": ours(array, catalog, epochs, "randaugment"),
    }


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--rounds", default=3)
@click.option("--epochs", default=5, help="Epochs to stream for one figure.")
def main(data, rounds, epochs):
    """DATA must hold nothing that TensorFlow cannot decode: Keras's reader stops at it."""
    from data_pipeline.preparation.prepare import prepare

    report = {}
    with tempfile.TemporaryDirectory(prefix="pipeline-") as cache:
        for size in SIZES:
            catalog, (pixels,) = prepare(data, image_sizes=[(size, size)], cache_dir=Path(cache))
            turns = [one_round(data, size, (catalog, pixels), epochs) for _ in range(rounds)]
            rates = {name: statistics.median(turn[name] for turn in turns) for name in turns[0]}
            report[str(size)] = {
                "images_a_second": {name: round(value) for name, value in rates.items()},
                "of_keras": round(rates["ours"] / rates["keras"], 2),
                "decoded_of_keras": round(rates["ours_decoded"] / rates["keras"], 2),
                "of_keras_cached": round(rates["ours"] / rates["keras_cached"], 2),
            }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
