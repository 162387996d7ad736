"""Print the result of an export or a test as text, on stdout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from search.cli.printing.out import echo
from search.evaluation.classes import class_figures, doubts
from search.process.printable import printable
from search.process.wording import counted, in_percent

# These modules import NumPy, which would slow down `tune --help`.
if TYPE_CHECKING:
    from search.evaluation.calibration import Abstention
    from search.inference.evaluate import Evaluation
    from search.run_folder.exported.metrics import FileFigures, Metrics, Slice

MOST_CLASSES = 20  # of which the figures are printed


def print_metrics(metrics: Metrics | Evaluation) -> None:
    """Print accuracy, interval, AUC, calibration, withheld answers and the confusion matrix."""
    low, high = metrics.accuracy_interval
    echo(
        f"accuracy {metrics.accuracy:.4f} on {metrics.images:,} images "
        f"(95 % interval {low:.4f} to {high:.4f}; always the largest class: "
        f"{metrics.majority_class_accuracy:.4f}), {_balanced(metrics)}AUC {metrics.auc:.4f}, "
        f"calibration error {metrics.ece:.4f}"
    )
    for doubt in doubts(metrics.confusion_matrix, [printable(n) for n in metrics.class_names]):
        echo(f"careful: {doubt}")
    if abstain := metrics.abstain:
        echo(_withheld(abstain))
    _print_classes(metrics)


def print_evaluation(evaluation: Evaluation) -> None:
    """Print the same, and how many of the images the model was trained on."""
    print_metrics(evaluation)
    if evaluation.trained_on is None:
        return
    echo(_trained_on(evaluation))


def _trained_on(evaluation: Evaluation) -> str:
    count, images = evaluation.trained_on, evaluation.images
    if not count:
        return "none of these images, and no copy of one, was trained on"
    said = f"{count:,} of {images:,} images were trained on, or are copies of such"
    if evaluation.accuracy_on_others is None or evaluation.interval_on_others is None:
        return f"careful: {said}: these figures say nothing of other images"
    low, high = evaluation.interval_on_others
    return (
        f"careful: {said}; on the other {images - count:,} the accuracy is "
        f"{evaluation.accuracy_on_others:.4f} (95 % interval {low:.4f} to {high:.4f})"
    )


def _balanced(metrics: Metrics | Evaluation) -> str:
    """The balanced accuracy, where it may be another than the accuracy."""
    return f"balanced accuracy {metrics.balanced_accuracy:.4f}, " if metrics.unequal else ""


def _print_classes(metrics: Metrics | Evaluation) -> None:
    """Print recall, precision and answers of each class; of many those with the lowest recall."""
    names = [printable(label) for label in metrics.class_names]
    rows = list(
        zip(class_figures(metrics.confusion_matrix, names), metrics.confusion_matrix, strict=True)
    )
    if len(rows) > MOST_CLASSES:
        rows.sort(key=lambda row: 2.0 if row[0].recall is None else row[0].recall)
        rows = rows[:MOST_CLASSES]
        echo(f"the {MOST_CLASSES} classes with the lowest recall:")
    title = "true class"
    width = max(len(title), *(len(each.name) for each, _ in rows))
    echo(f"  {title:<{width}}  images  recall (95 %)           precision  predicted")
    for each, row in rows:
        counts = ", ".join(
            f"{other}: {count}" for other, count in zip(names, row, strict=True) if count
        )
        low, high = each.recall_interval
        recall = "–" if each.recall is None else f"{each.recall:.4f} ({low:.2f} to {high:.2f})"
        precision = "–" if each.precision is None else f"{each.precision:.4f}"
        echo(f"  {each.name:<{width}}  {each.images:6,}  {recall:<22}  {precision:<9}  {counts}")


def print_export(metrics: Metrics) -> None:
    """Print what was chosen and why, its test figures, and the files written."""
    from search.process.console import SafeConsole

    console = SafeConsole(highlight=False)
    _print_choice(metrics)
    print_metrics(metrics)
    echo(_optimism(metrics))
    calibration = metrics.calibration
    if calibration.adjustment:
        echo(
            "answers are shifted towards rare classes: logit adjustment with strength "
            f"{calibration.adjustment:.1f}, fitted on validation"
        )
    echo(
        f"calibrated by a temperature of {calibration.temperature:.2f}: calibration error "
        f"{metrics.ece_uncalibrated:.4f} before, {metrics.ece:.4f} after"
    )
    _print_slices(metrics.slices)
    if metrics.time:
        echo(f"time: {metrics.time.in_words()}")
    console.print_table(_files(metrics.parity))
    if metrics.busy:
        echo(metrics.busy)
    for row in metrics.parity:
        if said := row.on_test_images(metrics.accuracy):
            echo(said)
    for path in metrics.files:
        echo(f"wrote {printable(path)}")


def _withheld(abstain: Abstention) -> str:
    if not abstain.answered:
        return "answers none of them: it is sure of none"
    low, high = abstain.precision_interval
    return (
        f"answers {abstain.answered:,} of them ({in_percent(abstain.coverage)}); "
        f"{in_percent(abstain.precision or 0.0)} of the answers are right "
        f"(95 % interval {in_percent(low)} to {in_percent(high)})"
    )


def _print_choice(metrics: Metrics) -> None:
    finalists = metrics.finalists
    for row in finalists if len(finalists) > 1 else ():
        mark = "→" if row.chosen else " "
        low, high = row.interval
        behind = f"behind by {row.behind:.4f} ({low:.4f} to {high:.4f})"
        place = "best" if row is finalists[0] else f"{behind}{', as good' if row.as_good else ''}"
        cost = "" if row.latency is None else f", {row.latency * 1e3:.1f} ms in its slowest file"
        known = " [built-in]" if row.known_good else ""
        echo(
            f"{mark} {abs(row.mean):.4f} over {row.trainings} "
            f"training{'' if row.trainings == 1 else 's'} "
            f"({row.score_in_search:.4f} in the search){cost}, {place}: "
            f"{row.summary}{known}"
        )
    if metrics.verdict:
        echo(metrics.verdict)
    if together := metrics.ensemble:
        price = (
            f", {together.latency * 1e3:.1f} ms per image" if together.latency is not None else ""
        )
        echo(
            f"the average of the best {len(together.members)} would reach "
            f"{together.value:.4f} on validation (the best of them alone "
            f"{together.of_best:.4f}){price}"
        )


def _optimism(metrics: Metrics) -> str:
    gap = metrics.optimism
    opened = metrics.test_set_opened
    looked = "" if opened == 1 else f"; the test images were looked at {opened} times"
    searched = metrics.val_accuracy_in_search
    before = "" if searched is None else f" ({searched:.4f} in the search)"
    return (
        f"validation accuracy {metrics.val_accuracy:.4f}{before}, "
        f"test {metrics.accuracy:.4f}: {abs(gap):.4f} "
        f"{'less' if gap > 0 else 'more'}{looked}"
    )


def _print_slices(slices: Sequence[Slice]) -> None:
    for row in slices:
        low, high = row.interval
        echo(
            f"  {row.name:<6}  {row.accuracy:.4f} ({low:.4f} to {high:.4f}) of "
            f"{counted(row.images, 'image')}"
        )


def _files(rows: Sequence[FileFigures]) -> Any:
    """Make the table of written models: cost, and difference from the trained model."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("file", "MB", "ms", "p95 ms", "memory MB", "differs by", "same label"):
        table.add_column(name, justify="left" if name == "file" else "right")
    for row in rows:
        table.add_row(
            row.file,
            f"{row.size / 1e6:.1f}",
            f"{row.latency_median * 1e3:.1f}",
            f"{row.latency_p95 * 1e3:.1f}",
            f"{row.peak_memory / 1e6:.0f}",
            f"{row.largest_difference:.1e}",
            in_percent(row.agreement),
        )
    return table
