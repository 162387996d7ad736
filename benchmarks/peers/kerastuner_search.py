"""KerasTuner's Hyperband, as its guide shows; see guide.py."""

import guide
import keras_tuner


def main():
    options = guide.arguments()
    train, num_classes = guide.photos(options, "train")
    validation, _ = guide.photos(options, "validation")

    def build(hp):
        values = {
            "network": hp.Choice("network", list(guide.NETWORKS)),
            "fine_tuned": hp.Choice("fine_tuned", list(guide.FINE_TUNED)),
            "units": hp.Choice("units", list(guide.UNITS)),
            "dropout": hp.Float("dropout", *guide.DROPOUT),
            "rotation": hp.Float("rotation", *guide.ROTATION),
            "learning_rate": hp.Float("learning_rate", *guide.RATES, sampling="log"),
        }
        return guide.network(options, num_classes, values)

    tuner = keras_tuner.Hyperband(
        build,
        objective="val_accuracy",
        max_epochs=guide.MAX_EPOCHS,
        factor=3,
        seed=options.seed,
        directory=options.out,
    )
    keep = guide.KeepBest(options.out, options.spawned)
    tuner.search(train, validation_data=validation, callbacks=[keep], verbose=0)


if __name__ == "__main__":
    main()
