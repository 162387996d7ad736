"""AutoKeras's ImageClassifier, as its guide shows; see guide.py.

Its space is its own. What it draws that needs weights which are not at hand fails, and it goes on
without pretrained weights.
"""

import autokeras
import guide
import numpy as np


def arrays(dataset):
    """Images and class numbers: AutoKeras takes arrays."""
    pairs = [(images.numpy(), labels.numpy()) for images, labels in dataset]
    return tuple(np.concatenate(parts) for parts in zip(*pairs, strict=True))


def main():
    options = guide.arguments()
    train, validation = (guide.photos(options, part)[0] for part in ("train", "validation"))
    classifier = autokeras.ImageClassifier(
        max_trials=1_000, directory=options.out, seed=options.seed, objective="val_accuracy"
    )
    classifier.fit(
        *arrays(train),
        validation_data=arrays(validation),
        epochs=guide.MAX_EPOCHS,
        batch_size=guide.BATCH_SIZE,
        callbacks=[guide.KeepBest(options.out, options.spawned)],
        verbose=0,
    )


if __name__ == "__main__":
    main()
