"""`tune labels`: list the likeliest label errors of a run's images; delete nothing."""

import csv
import io
import os
import time
from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from data_pipeline.atomic_files import write_bytes
from data_pipeline.pixels.thumbnails import thumbnails
from search.errors import TuneError
from search.evaluation.folds import possible_folds
from search.label_errors.confident_learning import LabelErrors, find_label_errors
from search.label_errors.out_of_fold import Judge, choose_judge, out_of_fold
from search.label_errors.page import suspects_page
from search.label_errors.suspect_rows import Suspect, SuspectReport
from search.process.printable import cell, printable
from search.process.progress import ProgressSink
from search.process.stop_signal import StopSignal
from search.process.wording import duration_in_words
from search.run_folder.data import load_groups, require_written
from search.run_folder.data_summary import DataSummary
from search.run_folder.images import Images
from search.run_folder.paths import RunFolder
from search.run_folder.schema import to_json
from search.trial.experiment import Experiment
from search.trial.keras_setup import prepare_to_train

COLUMNS = tuple(each.name for each in fields(Suspect))


def find_suspects(
    run: RunFolder, *, limit: int, folds: int, stop: StopSignal, progress: ProgressSink
) -> SuspectReport:
    """Rank the labels of a run that are likeliest wrong, and write the list and a page of it.

    Args:
        run: with at least one finished trial.
        limit: suspects listed at most.
        folds: how many models share the images; fewer where a class is too small.
        stop: asked whether to stop.
        progress: told what is done.

    Returns:
        The suspects, worst first, and what they were found with.

    Raises:
        KeyboardInterrupt: told to stop; nothing is written.
        TuneError: no trial has finished, a file of the run is missing, a class is too small.
    """
    # Before minutes of training: older versions did not write these.
    require_written(run, run.images, run.groups)
    if not os.access(run.path, os.W_OK):
        raise TuneError(
            f"{printable(str(run.path))}: only to be read, and the list of labels is written "
            "there; copy the run to a folder of your own"
        )
    experiment = Experiment.load(run)
    prepare_to_train(experiment.config)
    judge = choose_judge(experiment)
    groups = load_groups(run)
    # Before any training: a class of one image cannot be judged at all.
    possible = possible_folds(experiment.targets, groups, experiment.class_names, wanted=folds)
    started = time.monotonic()
    _announce(judge, folds, possible, progress)
    with progress.task("judging labels") as task:
        probabilities = out_of_fold(experiment, judge, groups, folds=possible, stop=stop, task=task)
    progress.message(f"judged in {duration_in_words(time.monotonic() - started)}")
    errors = find_label_errors(probabilities, experiment.targets)
    report = _report(experiment, judge, possible, probabilities, errors)
    return write_suspects(experiment, report, errors.order[:limit], stop)


def _announce(judge: Judge, wanted: int, folds: int, progress: ProgressSink) -> None:
    if folds < wanted:
        progress.message(f"{folds} folds instead of {wanted}: a class has no more images")
    if not judge.on_features:
        what, epochs = judge.record.title, judge.record.epochs_to_best
        progress.message(
            f"this run has no frozen backbone: {what} is trained {folds} times anew, "
            f"for {epochs} epoch{'' if epochs == 1 else 's'} each"
        )


def _report(
    experiment: Experiment,
    judge: Judge,
    folds: int,
    probabilities: NDArray[np.float32],
    errors: LabelErrors,
) -> SuspectReport:
    """Report all but the files, with a row for every suspect."""
    images, splits = Images.load(experiment.run), _splits(experiment)
    names, targets = experiment.class_names, experiment.targets
    rows = [
        Suspect(
            path=images.paths[row],
            given=names[targets[row]],
            suggested=names[errors.likelier[row]],
            probability_given=round(float(probabilities[row, targets[row]]), 4),
            probability_suggested=round(float(probabilities[row, errors.likelier[row]]), 4),
            flagged=bool(errors.flagged[row]),
            split=splits[row],
        )
        for row in errors.order
    ]
    return SuspectReport(
        run=experiment.run.name,
        argument=experiment.run.argument,
        root=str(images.root),
        images=len(targets),
        configuration=judge.record.title,
        folds=folds,
        repeats=judge.repeats,
        agreement=1 - len(rows) / len(targets),
        flagged=int(errors.flagged.sum()),
        doubted=len(rows),
        suspects=tuple(rows),
        dealt_apart=DataSummary.load(experiment.run).dealt_apart or 0,
    )


def _splits(experiment: Experiment) -> list[str]:
    """Name each image's split; "" for an image that is in none."""
    names = [""] * len(experiment.targets)
    for name in ("train", "validation", "test"):
        for row in getattr(experiment, name):
            names[row] = name
    return names


def write_suspects(
    experiment: Experiment, report: SuspectReport, rows: NDArray[np.int64], stop: StopSignal
) -> SuspectReport:
    """Write the table and the page of the first suspects; returns the report of these.

    Args:
        experiment: the run.
        report: of all suspects.
        rows: of the images to list, in the order of the report.
        stop: asked whether to stop.
    """
    folder = experiment.run.label_errors
    suspects = report.suspects[: len(rows)]
    report = replace(
        report,
        suspects=suspects,
        files=tuple(str(folder / f"suspects.{kind}") for kind in ("csv", "html")),
    )
    known = Images.load(experiment.run)
    images = _thumbnails(known, experiment, rows.tolist())
    stop.raise_if_requested()  # the last chance: the two files belong together
    write_bytes(folder / "suspects.csv", _csv(suspects))
    write_bytes(folder / "suspects.html", suspects_page(report, images).encode())
    return report


def pictures(run: RunFolder, suspects: Sequence[Suspect]) -> list[bytes]:
    """Make a small JPEG of each suspect; of its prepared pixels where its file is gone by now."""
    known, experiment = Images.load(run), Experiment.load(run)
    row_of = {path: row for row, path in enumerate(known.paths)}
    rows = [row_of[each.path] for each in suspects]
    return _thumbnails(known, experiment, rows)


def _thumbnails(known: Images, experiment: Experiment, rows: Sequence[int]) -> list[bytes]:
    return thumbnails(
        [known.file(row) for row in rows], lambda number: experiment.pixels[rows[number]]
    )


def _csv(suspects: Sequence[Suspect]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in to_json(suspects):
        writer.writerow({k: cell(v) if isinstance(v, str) else v for k, v in row.items()})
    return text.getvalue().encode(errors="surrogateescape")  # names go out as the bytes they are
