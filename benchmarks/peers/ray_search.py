"""Ray Tune's ASHA over its OptunaSearch, as its guide shows; see guide.py."""

import time
from pathlib import Path

import guide
import keras
import ray
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch

SPARE = 5.0  # seconds to end in


class Report(keras.callbacks.Callback):
    """Tell Ray each epoch's accuracy."""

    def on_epoch_end(self, epoch, logs=None):
        tune.report({"val_accuracy": float(logs["val_accuracy"])})


def train(values, options):
    """One trial, in a process of its own."""
    train_data, num_classes = guide.photos(options, "train")
    validation, _ = guide.photos(options, "validation")
    guide.network(options, num_classes, values).fit(
        train_data,
        validation_data=validation,
        epochs=guide.MAX_EPOCHS,
        callbacks=[guide.KeepBest(options.out, options.spawned), Report()],
        verbose=0,
    )


def main():
    options = guide.arguments()
    here = str(Path(__file__).resolve().parent)
    ray.init(
        include_dashboard=False,
        runtime_env={"env_vars": {"PYTHONPATH": here}},  # so that trials find guide.py
        log_to_driver=False,
    )
    space = {
        "network": tune.choice(list(guide.NETWORKS)),
        "fine_tuned": tune.choice(list(guide.FINE_TUNED)),
        "units": tune.choice(list(guide.UNITS)),
        "dropout": tune.uniform(*guide.DROPOUT),
        "rotation": tune.uniform(*guide.ROTATION),
        "learning_rate": tune.loguniform(*guide.RATES),
    }
    # One core per trial, which is Ray's default, and so one trial per core at a time.
    tuner = tune.Tuner(
        tune.with_parameters(train, options=options),
        param_space=space,
        tune_config=tune.TuneConfig(
            metric="val_accuracy",
            mode="max",
            search_alg=OptunaSearch(seed=options.seed),
            scheduler=ASHAScheduler(max_t=guide.MAX_EPOCHS, grace_period=1, reduction_factor=3),
            num_samples=-1,
            time_budget_s=options.seconds - (time.time() - options.spawned) - SPARE,
        ),
        run_config=tune.RunConfig(storage_path=str(options.out / "ray"), verbose=0),
    )
    tuner.fit()
    ray.shutdown()


if __name__ == "__main__":
    main()
