"""Measure what a trial costs besides the training itself, against stock Keras.

    python benchmarks/overhead.py DATA --weights FILE

The parts `second` and `share`, which are of whole programs, are measured by
`python benchmarks/run_overhead.py DATA --weights FILE --parts share`.

Prints as JSON, medians of several rounds in which ours and stock take turns:
- trial: one more transfer trial of 9 epochs on a warm bank, against Keras alone: the whole model,
  the photos cached in memory;
- fixed: from the start of a trial to its first training step, for a small mini-Xception whose
  architecture was trained before; against building, compiling and fitting it with Keras.
"""

import json
import statistics
import tempfile
import time
from pathlib import Path

import click

SIZE = 96


def experiment_in(folder, data, weights, cache):
    """A run folder as `tune run` leaves it before the first trial, loaded."""
    from data_pipeline.preparation.prepare import prepare
    from data_pipeline.preparation.split import split_by_group
    from search.run_folder.config import RunConfig
    from search.run_folder.data import save_data
    from search.run_folder.paths import RunFolder
    from search.trial.experiment import Experiment

    run = RunFolder(folder / "run")
    config = RunConfig(
        data=str(data),
        algo="random",
        families=("transfer", "cnn", "xception"),
        backbones=("mobilenet_075",),
        image_size=(SIZE, SIZE),
        resize_mode="squeeze",
        compact=True,
        weights=weights,
        max_epochs=9,
        factor=3,
        hyperband_iterations=1,
        max_trials=1,
        objective="val_accuracy",
        validation=0.2,
        test=0.05,
        seed=0,
        precision="float32",
        deterministic=False,
        early_stop=False,
    )
    config.save(run)
    catalog, (pixels,) = prepare(data, image_sizes=[config.image_size], cache_dir=cache)
    save_data(run, catalog, [pixels], split_by_group(catalog, validation=0.2, test=0.05))
    return Experiment.load(run)


class Trials:
    """Trials of one experiment in this process, one after another."""

    def __init__(self, experiment):
        from search.trial.model_cache import ModelCache

        self.experiment, self.kept, self.number = experiment, ModelCache(), 0

    def run(self, values, epochs):
        """(seconds, seconds to its first step, the record) of a trial with these values."""
        from search.executors.in_process import run_guarded
        from search.run_folder.records import TrialSpec
        from search.trial.messages import TrialTask
        from search.trial.storage import RunFolderStorage

        self.number += 1
        trial = f"{self.number:04}"
        spec = TrialSpec(
            trial_id=trial,
            configuration=trial,
            values=values,
            bracket=0,
            rung=0,
            initial_epoch=0,
            epochs=epochs,
        )
        storage = RunFolderStorage(self.experiment.run)
        start, told = time.monotonic(), []

        def report(progress):
            if not progress.before and not progress.logs:
                told.append((time.monotonic() - start, progress.step))
            return True

        done = run_guarded(
            self.experiment, TrialTask(spec), report, storage=storage, models=self.kept
        )
        assert done.status == "completed", done.reason
        return time.monotonic() - start, first_step(told), done


def first_step(told):
    """When the first step began, from the first and last report of (seconds, steps done)."""
    if len(told) < 2:
        return None
    (first, done), (last, all_done) = told[0], told[-1]
    return first - done * (last - first) / (all_done - done)


def stock_trial(experiment, values, epochs, batches=None):
    """Seconds of the same with Keras alone: build, compile, fit with validation."""
    import keras
    import keras_tuner
    import tensorflow as tf

    rows = {"train": experiment.train, "validation": experiment.validation}
    data = {}
    for name, index in rows.items():
        labels = experiment.targets[index].astype("float32")[:, None]
        images = tf.data.Dataset.from_tensor_slices((experiment.pixels[index], labels)).cache()
        images = images.shuffle(len(index)) if name == "train" else images
        data[name] = images.batch(values["batch_size"], drop_remainder=name == "train")
    start = time.monotonic()
    hp = keras_tuner.HyperParameters()
    hp.values = dict(values)
    model = experiment.classifier.build(hp)
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss="binary_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    train = data["train"] if batches is None else data["train"].take(batches)
    validation = {} if batches else {"validation_data": data["validation"].prefetch(2)}
    model.fit(train.prefetch(2), epochs=epochs, verbose=0, **validation)
    return time.monotonic() - start


def transfer_trial(trials, rounds):
    """One more trial of a frozen head, every view of its images made before."""
    from models.known_good import default_values

    values = default_values(trials.experiment.classifier, "transfer")
    values["augmentation/strength"] = 0.3
    cold = trials.run(values, 9)[0]
    warm = [trials.run(values | {"learning_rate": 1e-3 * (n + 1)}, 9)[0] for n in range(rounds)]
    stock = stock_trial(trials.experiment, values, 9)
    ours = statistics.median(warm)
    return {"cold_s": cold, "warm_s": ours, "stock_s": stock, "ratio": stock / ours}


def fixed_cost(trials, rounds):
    """From the start of a trial to its first step."""
    from models.known_good import default_values

    values = default_values(trials.experiment.classifier, "xception")
    trials.run(values, 1)
    ours, beside, stock = [], [], []
    for number in range(rounds):
        seconds, wait, done = trials.run(values | {"learning_rate": 1e-3 / (number + 2)}, 1)
        ours.append(wait)
        beside.append(seconds - done.step_seconds)
        stock_trial(trials.experiment, values, 1, batches=1)
        one = stock_trial(trials.experiment, values, 1, batches=1)
        eleven = stock_trial(trials.experiment, values, 1, batches=11)
        stock.append(one - max(eleven - one, 0) / 10)
    known, fresh = statistics.median(ours), statistics.median(stock)
    return {
        "known_architecture_s": known,
        "with_the_end_of_the_trial_s": statistics.median(beside),
        "stock_s": fresh,
        "ratio": fresh / known,
    }


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--weights", type=click.Path(exists=True), required=True)
@click.option("--rounds", default=5, show_default=True)
@click.option("--parts", default="trial,fixed", show_default=True)
def main(data, weights, rounds, parts):
    from search.process.quiet import import_tensorflow

    import_tensorflow()
    found, parts = {}, parts.split(",")
    with tempfile.TemporaryDirectory(prefix="overhead-") as name:
        folder = Path(name)
        trials = Trials(experiment_in(folder, data, weights, folder / "cache"))
        if "trial" in parts:
            found["transfer_trial"] = transfer_trial(trials, rounds)
        if "fixed" in parts:
            found["fixed_cost"] = fixed_cost(trials, rounds)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
