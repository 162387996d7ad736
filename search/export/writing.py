"""Write an exported model in its formats, check the files, and write what stands beside them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from search.export.curves import write_curves
from search.export.folder import digest
from search.export.model_card import write_card
from search.export.photo_parity import check_photos
from search.export.quantised import as_sure
from search.export.whole_progress import WRITING
from search.formats.measuring import measure_file
from search.formats.parity import Parity, check, require
from search.formats.registry import ALWAYS, FORMATS
from search.formats.write import source_of, write_format
from search.process.atomic_files import write_json
from search.process.progress import ProgressSink
from search.process.stop_signal import StopSignal
from search.run_folder.exported.metrics import Metrics
from search.run_folder.ranking import configuration_history
from search.run_folder.record_files import load_records
from search.run_folder.records import Logs, TrialRecord
from search.run_folder.schema import to_json
from search.trial.experiment import Experiment
from search.trial.predictions import predict_rows

PARITY_IMAGES = 200


def write_models(
    experiment: Experiment,
    model: Any,
    formats: tuple[str, ...],
    folder: Path,
    *,
    threshold: float | None,
    stop: StopSignal,
    progress: ProgressSink,
) -> tuple[Any, list[Parity]]:
    """Write the model in every format asked for, and check that each file computes what it does.

    Args:
        experiment: the run.
        model: trained and calibrated.
        formats: keys of `search.formats.registry.FORMATS`.
        folder: where the files are written.
        threshold: confidence from which the model answers; None for always.
        stop: asked between files.
        progress: told of each.

    Returns:
        The model as it was written, in float32: prepared pixels -> probabilities; and how each
        file compares with it.

    Raises:
        KeyboardInterrupt: told to stop.
        TuneError: a file does not.
    """
    from models.serving import in_float32

    # Trained in mixed precision or not, what is exported computes the same on any machine.
    exported = in_float32(model)
    source = source_of(experiment, exported, experiment.representative())
    learnt_from = np.concatenate([experiment.train, experiment.validation])
    # Spread over all: rows are in the order of names, so the first are of one class.
    picks = np.linspace(0, len(learnt_from) - 1, min(PARITY_IMAGES, len(learnt_from)))
    rows = learnt_from[picks.astype(int)]
    images = np.asarray(experiment.pixels[rows])
    expected = predict_rows(exported, experiment.pixels, rows)
    measured = {}
    with progress.task(WRITING) as task:
        # Each once: `--format keras` asks for a file that is written anyway.
        names = tuple(dict.fromkeys((ALWAYS.name, *formats)))
        for number, name in enumerate(names):
            stop.raise_if_requested()
            task.update(number, len(names), f"writing and checking {name}")
            measured[name] = measure_file(name, write_format(source, name, folder), images)
            if (row := FORMATS[name]).quantised:
                measured[name] = as_sure(row, source, measured[name], folder, images, expected)
    parities = check(measured, expected, threshold=threshold)
    require(parities)
    # Last, since it reads the user's files, which may be gone or edited.
    check_photos(experiment, source.finished, rows, expected)
    return exported, parities


def write_beside(
    experiment: Experiment,
    record: TrialRecord,
    metrics: Metrics,
    history: list[Logs],
    folder: Path,
) -> Metrics:
    """Write what stands beside the models.

    Returns:
        The metrics with the digest of the model card and the paths of all files as they will be.
    """
    config = experiment.config
    write_json(
        folder / "labels.json",
        {
            "labels": list(experiment.class_names),
            "image_size": list(experiment.image_size),
            "resize_mode": config.resize_mode,
            "threshold": metrics.calibration.threshold,
        },
    )
    searched = configuration_history(load_records(experiment.run), record.configuration)
    write_curves(folder / "curves.png", searched, history, title=record.title)
    write_card(folder / "README.md", experiment, metrics)
    # The metrics name their own file too, which is written last.
    names = sorted({path.name for path in folder.iterdir()} | {"metrics.json"})
    whole = replace(
        metrics,
        card=digest(folder / "README.md"),  # by which the next export sees that it was edited
        files=tuple(str(experiment.run.export / name) for name in names),
    )
    write_json(folder / "metrics.json", to_json(whole))
    return whole
