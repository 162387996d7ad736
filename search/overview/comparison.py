"""Compare runs side by side: what was searched, how far each came, and whether that is chance."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.errors import TuneError
from search.overview.difference import Difference, difference_of
from search.overview.run_rows import RunReport
from search.overview.summary import run_report
from search.process.printable import printable
from search.run_folder.config import RunConfig, objective_of
from search.run_folder.data import load_predictions, load_splits, load_targets
from search.run_folder.data_summary import DataSummary
from search.run_folder.images import Images
from search.run_folder.paths import RunFolder

_WITHOUT_EXPORT = "no exported model with its answers to the test images; export it (again)"


@dataclass(frozen=True)
class ComparedRun:
    """One run of a comparison.

    Attributes:
        run: its name, or its folder where another has that name.
        data: folder of the images.
        algo, objective: as it was asked for.
        configurations, finished: how many it tried, and trials that have ended.
        seconds: in which any of them ran.
        best: best score of the search; None without one.
        summary: the exported configuration in short, else the best of the search.
        accuracy: of the exported model on its test images; None where there is none.
        test_images: how many these are.
    """

    run: str
    data: str
    algo: str
    objective: str
    configurations: int
    finished: int
    seconds: float
    best: float | None
    summary: str
    accuracy: float | None
    test_images: int


@dataclass(frozen=True)
class Comparison:
    """Several runs side by side.

    Attributes:
        runs: in the order given.
        differences: of each pair whose exported models were tested on common images.
        not_compared: why the exported models of other pairs cannot be, in sentences.
    """

    runs: tuple[ComparedRun, ...]
    differences: tuple[Difference, ...]
    not_compared: tuple[str, ...]


def compare(runs: Sequence[RunFolder]) -> Comparison:
    """Compare runs.

    Args:
        runs: two or more.

    Raises:
        TuneError: fewer are given, one twice, or a file of one is missing or broken.
    """
    if len({run.path.resolve() for run in runs}) < max(len(runs), 2):
        raise TuneError("two or more different runs are needed to compare them")
    names = [run.name for run in runs]
    # Two folders may hold runs of one name.
    called = [n if names.count(n) == 1 else str(r.path) for n, r in zip(names, runs, strict=True)]
    rows = tuple(_row(run_report(run), name) for run, name in zip(runs, called, strict=True))
    tested = [_tested(run) for run in runs]
    counts_classes = [objective_of(RunConfig.load(run)).counts_classes for run in runs]
    differences, reasons = [], []
    for first, second in itertools.combinations(range(len(runs)), 2):
        one, other = tested[first], tested[second]
        balanced = all(counts_classes[n] for n in (first, second))
        lacking = [called[n] for n in (first, second) if tested[n] is None]
        if one is None or other is None:
            reasons += [f"{printable(name)}: {_WITHOUT_EXPORT}" for name in lacking]
            continue
        found = _difference(called[first], called[second], one, other, balanced=balanced)
        if found is None:
            names_of_both = f"{printable(called[first])} and {printable(called[second])}"
            reasons.append(f"{names_of_both}: no image with one label is in the test set of both")
        else:
            differences.append(found)
    return Comparison(rows, tuple(differences), tuple(dict.fromkeys(reasons)))


def _row(report: RunReport, name: str) -> ComparedRun:
    scored = [row for row in report.configurations if row.score is not None]
    exported = report.exported
    best = scored[0].summary if scored else ""
    return ComparedRun(
        run=name,
        data=str(Path(report.data.root)),
        algo=report.algo,
        objective=report.objective,
        configurations=len(report.configurations),
        finished=report.finished,
        seconds=report.seconds,
        best=scored[0].score if scored else None,
        summary=(exported and exported.summary) or best,
        accuracy=exported.accuracy if exported else None,
        test_images=exported.images if exported else 0,
    )


def _tested(run: RunFolder) -> dict[str, tuple[str, bool]] | None:
    """Its label, and whether the exported model has a test image right, by hash; None without one.

    Copies of an image count once: what is said of them is the same.
    """
    if not run.test_predictions.exists():
        return None
    rows = load_splits(run).test
    predictions: NDArray[np.float32] = load_predictions(run.test_predictions)
    if len(predictions) != len(rows):
        raise TuneError(
            f"{printable(run.test_predictions)}: holds {len(predictions)} answers for {len(rows)} "
            "test images; export again"
        )
    hashes = Images.load(run).pixel_hashes
    names, targets = DataSummary.load(run).class_names, load_targets(run)[rows]
    right = predictions.argmax(axis=1) == targets
    return {
        hashes[row]: (names[target], bool(yes))
        for row, target, yes in zip(rows, targets, right, strict=True)
        if hashes[row]
    }


def _difference(
    first: str,
    second: str,
    one: dict[str, tuple[str, bool]],
    other: dict[str, tuple[str, bool]],
    *,
    balanced: bool,
) -> Difference | None:
    """Compare two models on the images that have one label in both runs."""
    common = [key for key in sorted(one.keys() & other.keys()) if one[key][0] == other[key][0]]
    if not common:
        return None
    pairs = [(one[key][1], other[key][1]) for key in common]
    labels = [one[key][0] for key in common] if balanced else None
    same = len(pairs) == len(one) == len(other)
    return difference_of(first, second, pairs, same=same, labels=labels)
