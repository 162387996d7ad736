"""`tune export-best`: choose, retrain, write, check the files, test once.

The order matters: files that do not compute what the model does are found before the test images
are looked at, and what stood in the export folder is replaced only once all of the new is written.
"""

import math
import time
from dataclasses import dataclass, field, replace

import numpy as np

from search.evaluation.calibration import Calibration
from search.evaluation.logit_adjustment import adjusted
from search.evaluation.objective import ACCURACY, AS_GOOD_WITHIN
from search.export.folder import export_folder
from search.export.measured_cost import warn_of_cost, with_measured
from search.export.quantised import file_figures, opened
from search.export.test_set import open_test_set
from search.export.whole_progress import TESTING, as_one, part_seconds
from search.export.writing import write_beside, write_models
from search.formats.cost import Costs
from search.formats.registry import ALWAYS, require_packages
from search.process.atomic_files import write_array
from search.process.progress import ProgressSink
from search.process.stop_signal import StopSignal
from search.run_folder.budget import Budget
from search.run_folder.config import RunConfig
from search.run_folder.data import require_written
from search.run_folder.exported.finalist_rows import SEEDS, TOP
from search.run_folder.exported.metrics import FileFigures, HeldOutFigures, Metrics
from search.run_folder.paths import RunFolder
from search.run_folder.record_files import load_records
from search.run_folder.time_spent import ExportTime
from search.runs.lock import EXPORT, locked
from search.selection.calibrate import (
    calibrate,
    calibrate_model,
    class_frequencies,
    require_enough,
)
from search.selection.choice import Choice, choose
from search.trial.experiment import Experiment
from search.trial.keras_setup import prepare_to_train
from search.trial.retrain import retrain


@dataclass(frozen=True)
class ExportOptions:
    """What is to be exported.

    Attributes:
        formats: keys of `search.formats.registry.FORMATS` to write besides model.keras; none for
            those of the run.
        budget: what these files, or else model.keras, may cost; without limits those of the run
            hold, for the run's formats, which are then written too.
        precision: share of right answers among those given, for which a threshold is set; None
            for a model that always answers.
        top: how many of the best configurations are trained again before one is chosen.
        seeds: how often each; 0 for not at all.
        cheaper_within: how much worse one may be that is cheaper to run, 0 to 1, of the objective
            and in nats of log loss (`search.evaluation.bootstrap.comparisons`).
        choose_until: of `time.monotonic`: none of the best is trained again later.
    """

    formats: tuple[str, ...] = ()
    budget: Budget = field(default_factory=Budget)
    precision: float | None = None
    top: int = TOP
    seeds: int = SEEDS
    cheaper_within: float = AS_GOOD_WITHIN
    choose_until: float = math.inf


def export_best(
    run: RunFolder, options: ExportOptions, *, stop: StopSignal, progress: ProgressSink
) -> Metrics:
    """Choose the configuration to export, retrain it on train + validation, test it once.

    Returns:
        What `metrics.json` holds.

    Raises:
        TuneError: no trial has finished, none keeps to the budget, a format's package is
            missing, a file does not compute what the model does, or the wished precision
            cannot be promised.
    """
    require_packages(options.formats)
    # Two exports of one run at a time would write into the same new folder.
    with locked(run, EXPORT):
        return _export(run, options, stop=stop, progress=progress)


def _export(
    run: RunFolder, options: ExportOptions, *, stop: StopSignal, progress: ProgressSink
) -> Metrics:
    # Read only at the end, for slices and photos: a run that lacks it fails before any training.
    require_written(run, run.images)
    experiment = Experiment.load(run)
    require_enough(experiment, options.precision)
    prepare_to_train(experiment.config)
    options, asked_for = _with_limits(options, experiment.config)
    require_packages(options.formats)  # those of the run too
    seconds = part_seconds(
        experiment,
        formats=options.formats,
        top=options.top,
        seeds=options.seeds,
        until=options.choose_until,
    )
    with as_one(progress, seconds) as line:
        return _exported(experiment, options, asked_for, stop=stop, progress=line)


def _exported(
    experiment: Experiment,
    options: ExportOptions,
    asked_for: tuple[str, ...],
    *,
    stop: StopSignal,
    progress: ProgressSink,
) -> Metrics:
    watch = _Watch()
    costs = Costs(experiment, asked_for, stop=stop, progress=progress)
    choice = _choose(experiment, costs, options, stop=stop, progress=progress)
    watch.lap()
    experiment = experiment.seen_by(choice.winner.record.values)
    # Before the retraining: the model that comes of it has learnt from the validation images.
    calibration = calibrate(experiment, choice.predictions, precision=options.precision)
    model, history = retrain(experiment, choice.winner.record, stop=stop, progress=progress)
    watch.lap()
    # Before anything is written: the files, and what is measured of them, are of one model.
    calibrate_model(model, calibration, experiment)
    temperature, threshold = calibration.temperature, calibration.threshold
    with export_folder(experiment.run) as folder:
        model, parities = write_models(
            experiment,
            model,
            options.formats,
            folder,
            threshold=threshold,
            stop=stop,
            progress=progress,
        )
        stop.raise_if_requested()
        counted = [parity for parity in parities if parity.format.name in asked_for]
        choice = with_measured(choice, counted)
        warn_of_cost(options.budget, counted, progress)
        calls = opened(parities, folder)
        # From here on nothing may refuse the export: a look at the test images is not undone.
        with progress.task(TESTING):
            tested = open_test_set(experiment, model, temperature=temperature, threshold=threshold)
            write_array(folder / experiment.run.test_predictions.name, tested.predictions)
            files = [
                file_figures(p, calls.get(p.format.name), experiment, threshold=threshold)
                for p in parities
            ]
        metrics = _metrics(
            experiment,
            choice,
            calibration,
            options,
            tested=tested.figures,
            parity=tuple(files),
            parameters=model.count_params(),
        )
        watch.lap()
        metrics = replace(metrics, time=ExportTime(*watch.laps))
        return write_beside(experiment, choice.winner.record, metrics, history, folder)


def _choose(
    experiment: Experiment,
    costs: Costs,
    options: ExportOptions,
    *,
    stop: StopSignal,
    progress: ProgressSink,
) -> Choice:
    return choose(
        experiment,
        costs,
        budget=options.budget,
        top=options.top,
        seeds=options.seeds,
        cheaper_within=options.cheaper_within,
        until=options.choose_until,
        stop=stop,
        progress=progress,
    )


class _Watch:
    """Seconds between laps, the first from when it was made."""

    def __init__(self) -> None:
        self.laps: list[float] = []
        self.last = time.monotonic()

    def lap(self) -> None:
        """End one."""
        before, self.last = self.last, time.monotonic()
        self.laps.append(round(self.last - before, 1))


def _with_limits(
    options: ExportOptions, config: RunConfig
) -> tuple[ExportOptions, tuple[str, ...]]:
    """The options with the limits of the run where they have none, and what the limits hold for.

    The files of the run's limits are written besides those asked for. Where none are asked for, and
    the run has no limits, its formats are.
    """
    if options.budget.limited or not config.budget.limited:
        formats = options.formats or config.formats
        return replace(options, formats=formats), formats or (ALWAYS.name,)
    formats = tuple(dict.fromkeys((*options.formats, *config.formats)))
    limited = replace(options, budget=config.budget, formats=formats)
    return limited, config.formats or (ALWAYS.name,)


def _metrics(
    experiment: Experiment,
    choice: Choice,
    calibration: Calibration,
    options: ExportOptions,
    *,
    tested: HeldOutFigures,
    parity: tuple[FileFigures, ...],
    parameters: int,
) -> Metrics:
    record = choice.winner.record
    targets = experiment.targets[experiment.validation]
    # The winner's own trainings, not the score of the search, which is the best of many.
    # As the exported model answers; its temperature changes no answer.
    frequencies, strength = class_frequencies(experiment), calibration.adjustment
    answers = [adjusted(p, frequencies, strength).argmax(axis=1) for p in choice.winner.predictions]
    right = [float((answer == targets).mean()) for answer in answers]
    validated = float(np.mean(right))
    return Metrics(
        **vars(tested),
        run=experiment.run.name,
        summary=record.title,
        val_accuracy_in_search=record.best_logs.get(ACCURACY),
        val_accuracy=validated,
        optimism=validated - tested.accuracy,
        verdict=choice.verdict,
        finalists=choice.rows(),
        cheaper_within=options.cheaper_within,
        top=options.top,
        seeds=options.seeds,
        ensemble=choice.ensemble,
        calibration=calibration,
        precision_wished=options.precision,
        budget=options.budget,
        parity=parity,
        epochs=record.epochs_to_best,
        trials=sum(r.finished for r in load_records(experiment.run)),
        configuration=record.values,
        image_size=experiment.image_size,
        trained_on=len(experiment.train) + len(experiment.validation),
        parameters=parameters,
    )
