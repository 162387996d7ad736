"""Measure what a trial and a run cost besides the training itself.

    python benchmarks/overhead.py DATA --weights FILE

Prints as JSON, medians of several rounds in which ours and stock take turns:
- one more transfer trial of 9 epochs on a warm bank, against Keras alone: the whole model, the
  photos cached in memory;
- from the start of a trial to its first training step, for a small mini-Xception whose
  architecture was trained before; against building, compiling and fitting it with Keras;
- the seconds from the start of a second `tune run` to its first training step, and of the import
  of TensorFlow alone;
- the share of a search's wall-clock that is spent in training and validation steps.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

LIMIT = 30 * 60  # seconds for one search
SIZE = 96
SEARCH = ("--families", "cnn,xception", "--algo", "random", "--max-trials", "30")


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


def tune_run(data, folder, *options):
    """Seconds of a whole `tune run`, when it was started, and the folder of its trials."""
    tune = Path(sys.executable).with_name("tune")
    name = f"run-{len(list(folder.glob('run-*')))}"
    start = time.time()
    command = [tune, "run", data, "--results", folder, "--cache-dir", folder / "cache"]
    command += ["--image-size", str(SIZE), "--name", name, *options]
    subprocess.run(command, check=True, timeout=LIMIT, capture_output=True)
    return time.time() - start, start, folder / name / "trials"


def second_run(data, weights, folder, rounds):
    """Until the end of the first trial, less its steps: no earlier than its first step."""
    options = ("--weights", weights, "--families", "transfer", "--algo", "random")
    options += ("--max-trials", "1", "--max-epochs", "1")
    waits = []
    for _ in range(rounds + 1):
        _, start, trials = tune_run(data, folder, *options)
        record = next(trials.glob("[0-9]*.json"))
        waits.append(
            record.stat().st_mtime - start - json.loads(record.read_text())["step_seconds"]
        )
    imports = []
    for _ in range(rounds):
        start = time.monotonic()
        subprocess.run([sys.executable, "-c", "import tensorflow"], check=True, capture_output=True)
        imports.append(time.monotonic() - start)
    return {
        "first_s": waits[0],
        "second_s": statistics.median(waits[1:]),
        "import_tensorflow_s": statistics.median(imports),
    }


def share_of_steps(data, folder, *options):
    """Seconds in training and validation steps over those of the whole program."""
    seconds, _, trials = tune_run(data, folder, *options)
    records = [json.loads(path.read_text()) for path in trials.glob("[0-9]*.json")]
    steps = sum(record["step_seconds"] for record in records)
    trials_alone = sum(record["seconds"] for record in records)
    return {
        "trials": len(records),
        "wall_s": seconds,
        "in_trials_s": trials_alone,
        "in_steps_s": steps,
        "share": steps / seconds,
    }


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--weights", type=click.Path(exists=True), required=True)
@click.option("--rounds", default=5, show_default=True)
@click.option(
    "--epochs", default=3, show_default=True, help="Of the search for the share of steps."
)
@click.option("--parts", default="trial,fixed,second,share", show_default=True)
def main(data, weights, rounds, epochs, parts):
    folder = Path(tempfile.mkdtemp(prefix="overhead-"))
    found, parts = {}, parts.split(",")
    try:
        if "second" in parts:
            found["second_run"] = second_run(data, weights, folder, rounds)
        if "share" in parts:
            options = (*SEARCH, "--max-epochs", str(epochs))
            found["share_of_steps"] = share_of_steps(data, folder, *options)
        if {"trial", "fixed"} & set(parts):
            from search.process.quiet import import_tensorflow

            import_tensorflow()
            trials = Trials(experiment_in(folder, data, weights, folder / "cache"))
            if "trial" in parts:
                found["transfer_trial"] = transfer_trial(trials, rounds)
            if "fixed" in parts:
                found["fixed_cost"] = fixed_cost(trials, rounds)
    finally:
        shutil.rmtree(folder)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
