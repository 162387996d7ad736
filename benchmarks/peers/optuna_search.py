"""Optuna's TPE with its Hyperband pruner, as its guide shows; see guide.py."""

import guide
import keras
import optuna


class Prune(keras.callbacks.Callback):
    """Tell the trial each epoch's accuracy, and end it when it is pruned."""

    def __init__(self, trial):
        super().__init__()
        self.trial = trial

    def on_epoch_end(self, epoch, logs=None):
        self.trial.report(float(logs["val_accuracy"]), step=epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned


def main():
    options = guide.arguments()
    train, num_classes = guide.photos(options, "train")
    validation, _ = guide.photos(options, "validation")

    def objective(trial):
        keras.backend.clear_session()
        values = {
            "network": trial.suggest_categorical("network", list(guide.NETWORKS)),
            "fine_tuned": trial.suggest_categorical("fine_tuned", list(guide.FINE_TUNED)),
            "units": trial.suggest_categorical("units", list(guide.UNITS)),
            "dropout": trial.suggest_float("dropout", *guide.DROPOUT),
            "rotation": trial.suggest_float("rotation", *guide.ROTATION),
            "learning_rate": trial.suggest_float("learning_rate", *guide.RATES, log=True),
        }
        history = guide.network(options, num_classes, values).fit(
            train,
            validation_data=validation,
            epochs=guide.MAX_EPOCHS,
            callbacks=[guide.KeepBest(options.out, options.spawned), Prune(trial)],
            verbose=0,
        )
        return max(history.history["val_accuracy"])

    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=options.seed),
        pruner=optuna.pruners.HyperbandPruner(min_resource=1, max_resource=guide.MAX_EPOCHS),
    )
    study.optimize(objective, timeout=options.seconds)


if __name__ == "__main__":
    main()
