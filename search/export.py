"""`tune export-best`: retrain the winner, open the lock box once, write a model."""

import time
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
from rich.console import Console

from models.describe import describe
from search.errors import TuneError
from search.experiment import Experiment
from search.interrupt import Going
from search.metrics import confusion_matrix, evaluate, wilson_interval
from search.pictures import write_curves
from search.progress import in_words
from search.records import Logs, TrialRecord, configuration_history, load_records
from search.report import best_values
from search.store import RunFolder, read_json, write_json
from search.training import Training, configuration_seed, predict
from search.watch import watch_files

FORMATS = ("saved_model", "litert", "onnx")


def export_best(
    run: RunFolder, *, formats: tuple[str, ...], going: Going, console: Console
) -> dict[str, Any]:
    """Retrain the best configuration on train + validation, test it once, export it.

    Returns:
        What `metrics.json` holds, with the paths of all written files under "files".

    Raises:
        TuneError: no trial has finished, or a format's package is missing.
    """
    check_formats(formats)
    values, record = best_values(run)
    experiment = Experiment.load(run)
    _set_up(experiment)
    epochs = (record.best_epoch or 0) + 1
    rows = np.concatenate([experiment.train, experiment.validation])
    seed = configuration_seed(experiment.config.seed, record.configuration)
    training = Training(experiment, values, rows=rows, seed=seed)
    model, history = retrain(training, epochs=epochs, going=going, console=console)
    metrics = test_once(experiment, model, record)
    return write_export(experiment, model, history, metrics, record, formats=formats)


def _set_up(experiment: Experiment) -> None:
    from search.hardware import detect, set_up_training

    detect()
    set_up_training(experiment.config)


def retrain(
    training: Training, *, epochs: int, going: Going, console: Console
) -> tuple[Any, list[Logs]]:
    """Train from scratch for the epochs at which the search found its best.

    Raises:
        KeyboardInterrupt: told to stop; nothing is written.
        TuneError: the loss is no longer a number.
    """
    model = training.build()
    with watch_files(console, f"retraining, {epochs} epochs") as progress:
        steps = _Steps(training.steps, epochs, progress, going)
        started = time.monotonic()
        training.fit(model, initial_epoch=0, epochs=epochs, callbacks=[steps])
    if not going():
        raise KeyboardInterrupt
    if not steps.history or not np.isfinite(steps.history[-1]["loss"]):
        raise TuneError("retraining diverged: the loss is not a number; export another run")
    console.print(f"retrained {epochs} epochs in {in_words(time.monotonic() - started)}")
    return model, steps.history


class _Steps(keras.callbacks.Callback):
    """Counts steps for the progress bar and keeps the history."""

    phase = 0

    def __init__(self, steps: int, epochs: int, progress: Any, going: Going):
        super().__init__()
        self.steps, self.epochs, self.progress, self.going = steps, epochs, progress, going
        self.history: list[Logs] = []
        self.epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.progress(self.epoch * self.steps + batch + 1, self.epochs * self.steps)
        if not self.going() or not np.isfinite(logs["loss"]):
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.history.append(
            {"epoch": epoch, "loss": float(logs["loss"]), "accuracy": float(logs["accuracy"])}
        )


def test_once(experiment: Experiment, model: Any, record: TrialRecord) -> dict[str, Any]:
    """Open the lock box: accuracy with its 95 % interval, AUC, confusion matrix.

    How often it was opened is counted in the run folder: each further look makes the number
    a little less honest, and a reader should know.
    """
    box = experiment.run.path / "lock_box.json"
    opened = (read_json(box)["opened"] if box.exists() else 0) + 1
    write_json(box, {"opened": opened})
    targets = experiment.targets[experiment.test]
    measured = measure(
        predict(model, experiment.pixels, experiment.test), targets, experiment.labels
    )
    return measured | {
        "run": experiment.run.name,
        "lock_box_opened": opened,
        "val_accuracy_in_search": next(
            (h["val_accuracy"] for h in record.history if h["epoch"] == record.best_epoch), None
        ),
        "epochs": (record.best_epoch or 0) + 1,
        "configuration": record.values,
        "image_size": list(experiment.config.image_size),
        "trained_on": len(experiment.train) + len(experiment.validation),
        "parameters": model.count_params(),
    }


def measure(probabilities: Any, targets: Any, labels: tuple[str, ...]) -> dict[str, Any]:
    """What is reported of predictions on pictures whose class is known."""
    correct = int((probabilities.argmax(axis=1) == targets).sum())
    counts = np.bincount(targets, minlength=len(labels))
    return {
        **evaluate(probabilities, targets),
        "accuracy_interval": list(wilson_interval(correct, len(targets))),
        "pictures": len(targets),
        "class_counts": {label: int(n) for label, n in zip(labels, counts, strict=True)},
        "majority_class_accuracy": float(counts.max() / max(len(targets), 1)),
        "labels": list(labels),
        "confusion_matrix": confusion_matrix(probabilities, targets),
    }


def write_export(
    experiment: Experiment,
    model: Any,
    history: list[Logs],
    metrics: dict[str, Any],
    record: TrialRecord,
    *,
    formats: tuple[str, ...],
) -> dict[str, Any]:
    """Write the model in every wanted form, with its labels, metrics and curves."""
    from models.serving import with_preprocessing

    folder = experiment.run.export
    folder.mkdir(parents=True, exist_ok=True)
    config = experiment.config
    finished = with_preprocessing(
        model,
        image_size=config.image_size,
        crop_to_aspect_ratio=config.crop_to_aspect_ratio,
        num_classes=experiment.num_classes,
    )
    # Saved under another name first: a model that is being replaced stays whole until then.
    partial = folder / ".partial.keras"
    finished.save(partial)
    partial.replace(folder / "model.keras")
    write_json(
        folder / "labels.json",
        {
            "labels": list(experiment.labels),
            "image_size": list(config.image_size),
            "crop_to_aspect_ratio": config.crop_to_aspect_ratio,
        },
    )
    searched = configuration_history(load_records(experiment.run), record.configuration)
    write_curves(folder / "curves.png", searched, history, title=describe(record.values))
    files = [folder / "model.keras", folder / "labels.json", folder / "curves.png"]
    files += [write_format(experiment, model, finished, name, folder) for name in formats]
    metrics = metrics | {"files": [str(path) for path in [*files, folder / "metrics.json"]]}
    write_json(folder / "metrics.json", metrics)
    return metrics


def write_format(
    experiment: Experiment, model: Any, finished: Any, name: str, folder: Path
) -> Path:
    """One further form: SavedModel takes pictures of any size, the others of `image_size`."""
    from models.serving import with_fixed_size

    if name == "saved_model":
        path = folder / "saved_model"
        finished.export(str(path), format="tf_saved_model", verbose=False)
        return path
    path = folder / {"litert": "model.tflite", "onnx": "model.onnx"}[name]
    fixed = with_fixed_size(
        model, image_size=experiment.config.image_size, num_classes=experiment.num_classes
    )
    height, width = experiment.config.image_size
    fixed(np.zeros((1, height, width, 3), np.float32))  # the ONNX exporter wants a called model
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of the exporters, about numpy
        fixed.export(str(path), format=name, verbose=False)
    if name == "onnx":
        _require_loadable(path)
    return path


def _require_loadable(path: Path) -> None:
    """Open the file: the exporter only logs what it cannot convert, and writes it all the same.

    Raises:
        TuneError: the file is of no use; it is deleted.
    """
    import onnxruntime

    try:
        onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:
        path.unlink()
        raise TuneError(
            f"{path}: this model cannot be written as ONNX ({str(error).splitlines()[0]}); "
            "the other files are written; use --format saved_model or litert"
        ) from error


def check_formats(formats: tuple[str, ...]) -> None:
    """Look for what a format needs before minutes are spent on training.

    Raises:
        TuneError: a package is missing.
    """
    from importlib.util import find_spec

    needed = ("onnx", "onnxruntime", "tf2onnx") if "onnx" in formats else ()
    missing = [name for name in needed if not find_spec(name)]
    if missing:
        raise TuneError(
            f"--format onnx needs {' and '.join(missing)}; "
            "install with: pip install 'image-tune[onnx]'"
        )
