"""`tune export-best`: choose, retrain, write, check the files, open the lock box once.

The order matters: files that do not compute what the model does are found before the lock box is
opened, and what stood in the export folder is replaced only once all of the new is written.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from models.describe import describe
from models.head import divide_logits
from search.errors import TuneError
from search.experiment import Experiment
from search.exported.card import write_card
from search.exported.cost import Budget, Costs
from search.exported.formats import FILES, check_formats, write_format
from search.exported.measuring import measure_file
from search.exported.parity import Parity, check, require
from search.exported.photo_parity import check_photos
from search.failure import values_used
from search.interrupt import Going
from search.kept import Kept
from search.lock import locked
from search.pictures import write_curves
from search.progress import in_words
from search.records import Logs, TrialRecord, configuration_history, load_records
from search.retrain import DivergedError, require_going, train
from search.store import RunFolder, write_json
from search.training import configuration_seed, predict, representative
from search.trust.calibration import (
    abstain_threshold,
    expected_calibration_error,
    fit_temperature,
    highest_promise,
    with_temperature,
)
from search.trust.choice import Choice, choose
from search.trust.lock_box import open_lock_box
from search.watch import watch_share

PARITY_PICTURES = 200
_OURS = {*FILES.values(), "labels.json", "curves.png", "README.md", "metrics.json"}


@dataclass(frozen=True)
class Wish:
    """What is to be exported.

    Attributes:
        formats: keys of `search.exported.formats.FILES` to write besides model.keras.
        budget: what these files, or else model.keras, may cost.
        precision: share of right answers among those given, for which a threshold is set; None
            for a model that always answers.
        top: how many of the best configurations are trained again before one is chosen.
        seeds: how often each; 0 for not at all.
    """

    formats: tuple[str, ...] = ()
    budget: Budget = field(default_factory=Budget)
    precision: float | None = None
    top: int = 3
    seeds: int = 3


@dataclass(frozen=True)
class Calibration:
    """How sure the model may be, fitted on validation.

    Attributes:
        temperature: by which its logits are divided.
        threshold: confidence from which it answers; None for always.
        validation_ece: expected calibration error before and after, on what it was fitted on.
    """

    temperature: float
    threshold: float | None
    validation_ece: tuple[float, float]


def export_best(run: RunFolder, wish: Wish, *, going: Going, console: Console) -> dict[str, Any]:
    """Choose the configuration to export, retrain it on train + validation, test it once.

    Returns:
        What `metrics.json` holds, with the paths of all written files under "files".

    Raises:
        TuneError: no trial has finished, none keeps to the budget, a format's package is
            missing, a file does not compute what the model does, or the wished precision
            cannot be promised.
    """
    check_formats(wish.formats)
    with locked(run, "export.lock"):
        return _export(run, wish, going=going, console=console)


def _export(run: RunFolder, wish: Wish, *, going: Going, console: Console) -> dict[str, Any]:
    experiment = Experiment.load(run)
    _require_enough(experiment, wish.precision)
    _set_up(experiment)
    costs = Costs(experiment, wish.formats or ("keras",), console)
    choice = choose(
        experiment,
        costs,
        budget=wish.budget,
        top=wish.top,
        seeds=wish.seeds,
        going=going,
        console=console,
    )
    calibration = calibrate(experiment, choice, wish.precision)
    model, history = retrain(experiment, choice.winner.record, going=going, console=console)
    divide_logits(model, calibration.temperature)
    with _export_folder(run) as folder:
        model, parities = write_models(
            experiment, model, wish.formats, folder, going=going, console=console
        )
        require_going(going)
        tested = open_lock_box(
            experiment,
            model,
            temperature=calibration.temperature,
            threshold=calibration.threshold,
        )
        metrics = _metrics(experiment, choice, calibration, wish, parities, tested)
        metrics["parameters"] = model.count_params()
        metrics["files"] = _write_beside(experiment, choice, metrics, history, folder)
    return metrics


def _require_enough(experiment: Experiment, precision: float | None) -> None:
    """Say before anything is trained that a precision is out of reach."""
    count = len(experiment.validation)
    if precision is not None and 1 - 1 / (count + 1) < precision - 1e-9:
        raise TuneError(
            f"--precision {precision:g} cannot be promised: {count} validation pictures, all "
            f"answered rightly, would show {1 - 1 / (count + 1):.4f} at most; ask for less, or "
            "search with more pictures"
        )


def _set_up(experiment: Experiment) -> None:
    from search.hardware import detect, set_up_training

    detect()
    set_up_training(experiment.config)


def calibrate(experiment: Experiment, choice: Choice, precision: float | None) -> Calibration:
    """Fit temperature and threshold on what the winner's trainings said of the validation split.

    Raises:
        TuneError: no threshold keeps to `precision` there.
    """
    targets = experiment.targets[experiment.validation]
    before = choice.predictions
    temperature = fit_temperature(before, targets)
    after = with_temperature(before, temperature)
    threshold = None
    if precision is not None:
        threshold = abstain_threshold(after, targets, precision=precision)
        if threshold is None:
            raise TuneError(
                f"--precision {precision:g} cannot be promised: what the model answers to the "
                f"{len(targets)} validation pictures allows {highest_promise(after, targets):.4f} "
                "at most; ask for less, or search with more pictures"
            )

    def ece(trainings: Any) -> float:
        return float(np.mean([expected_calibration_error(p, targets) for p in trainings]))

    return Calibration(temperature, threshold, (ece(before), ece(after)))


def retrain(
    experiment: Experiment, record: TrialRecord, *, going: Going, console: Console
) -> tuple[Any, list[Logs]]:
    """Train on train + validation for the epochs at which the search found its best.

    Raises:
        KeyboardInterrupt: told to stop; nothing is written.
        TuneError: the loss is no longer a number.
    """
    epochs = (record.best_epoch or 0) + 1
    rows = np.concatenate([experiment.train, experiment.validation])
    both = replace(experiment, train=rows, validation=rows[:0])
    seed = configuration_seed(experiment.config.seed, record.configuration)
    started = time.monotonic()
    with watch_share(console, "retraining") as progress:

        def tell(done: int, todo: int) -> None:
            require_going(going)
            progress(done, todo, "computing features")

        training = Kept().training(both, values_used(record), seed, tell)
        model = training.build()
        try:
            history = train(
                training,
                model,
                epochs=epochs,
                advance=lambda share: progress(share, 1, "retraining"),
                going=going,
            )
        except DivergedError as error:
            raise TuneError(
                "retraining diverged: the loss is not a number; export another run"
            ) from error
    console.print(f"retrained {epochs} epochs in {in_words(time.monotonic() - started)}")
    return training.whole(model), history


def write_models(
    experiment: Experiment,
    model: Any,
    formats: tuple[str, ...],
    folder: Path,
    *,
    going: Going,
    console: Console,
) -> tuple[Any, list[Parity]]:
    """Write the model in every wanted form, and check that each computes what it does.

    Returns:
        The model as it was written, in float32: prepared pixels -> probabilities; and how each
        file compares with it.

    Raises:
        KeyboardInterrupt: told to stop.
        TuneError: a file does not.
    """
    from models.serving import in_float32, with_preprocessing

    config = experiment.config
    exported = in_float32(model)
    finished = with_preprocessing(
        exported,
        image_size=config.image_size,
        crop_to_aspect_ratio=config.crop_to_aspect_ratio,
        num_classes=experiment.num_classes,
    )
    learnt_from = np.concatenate([experiment.train, experiment.validation])
    # Spread over all: rows are in the order of names, so the first are of one class.
    picks = np.linspace(0, len(learnt_from) - 1, min(PARITY_PICTURES, len(learnt_from)))
    rows = learnt_from[picks.astype(int)]
    pictures, measured = np.asarray(experiment.pixels[rows]), {}
    with watch_share(console, "writing and checking files") as progress:
        names = tuple(dict.fromkeys(("keras", *formats)))
        for number, name in enumerate(names):
            require_going(going)
            progress(number, len(names), f"writing and checking {name}")
            path = write_format(
                exported,
                finished,
                name,
                folder,
                image_size=config.image_size,
                num_classes=experiment.num_classes,
                representative=representative(experiment),
            )
            measured[name] = measure_file(name, path, pictures)
    expected = predict(exported, experiment.pixels, rows)
    parities = check(measured, expected)
    require(parities)
    check_photos(experiment, finished, rows, expected)
    return exported, parities


def _metrics(
    experiment: Experiment,
    choice: Choice,
    calibration: Calibration,
    wish: Wish,
    parities: list[Parity],
    tested: dict[str, Any],
) -> dict[str, Any]:
    record = choice.winner.record
    targets = experiment.targets[experiment.validation]
    right = [float((p.argmax(axis=1) == targets).mean()) for p in choice.winner.predictions]
    validated = float(np.mean(right))
    return tested | {
        "run": experiment.run.name,
        "summary": describe(record.values),
        "val_accuracy_in_search": next(
            (h["val_accuracy"] for h in record.history if h["epoch"] == record.best_epoch), None
        ),
        "val_accuracy": validated,
        "optimism": validated - tested["accuracy"],
        "verdict": choice.verdict,
        "finalists": choice.rows(),
        "ensemble": choice.ensemble,
        "calibration": asdict(calibration) | {"validation_ece": list(calibration.validation_ece)},
        "precision_wished": wish.precision,
        "budget": asdict(wish.budget),
        "parity": [parity.row() for parity in parities],
        "epochs": choice.winner.epochs,
        "configuration": record.values,
        "image_size": list(experiment.config.image_size),
        "trained_on": len(experiment.train) + len(experiment.validation),
    }


def _write_beside(
    experiment: Experiment,
    choice: Choice,
    metrics: dict[str, Any],
    history: list[Logs],
    folder: Path,
) -> list[str]:
    """Write what stands beside the models; the paths of all files as they will be."""
    config, record = experiment.config, choice.winner.record
    calibration = metrics["calibration"]
    write_json(
        folder / "labels.json",
        {
            "labels": list(experiment.labels),
            "image_size": list(config.image_size),
            "crop_to_aspect_ratio": config.crop_to_aspect_ratio,
            "threshold": calibration["threshold"],
        },
    )
    searched = configuration_history(load_records(experiment.run), record.configuration)
    write_curves(folder / "curves.png", searched, history, title=describe(record.values))
    write_card(folder / "README.md", experiment, metrics)
    names = sorted({path.name for path in folder.iterdir()} | {"metrics.json"})
    files = [str(experiment.run.export / name) for name in names]
    write_json(folder / "metrics.json", metrics | {"files": files})
    return files


@contextmanager
def _export_folder(run: RunFolder) -> Iterator[Path]:
    """A new folder that takes the place of the export folder when all went well.

    Files that stood there and are none of ours are taken along.
    """
    folder, old = run.path / ".export-new", run.path / ".export-old"
    if old.exists() and not run.export.exists():  # killed between the two renames below
        old.rename(run.export)
    _remove(folder, old)
    folder.mkdir()
    try:
        yield folder
        for path in run.export.iterdir() if run.export.exists() else ():
            if path.name not in _OURS:
                copy = shutil.copytree if path.is_dir() else shutil.copy2
                copy(path, folder / path.name)
        if run.export.exists():
            run.export.rename(old)
        folder.rename(run.export)
        _remove(old)
    finally:
        _remove(folder)


def _remove(*folders: Path) -> None:
    for folder in folders:
        if folder.exists():
            shutil.rmtree(folder)
