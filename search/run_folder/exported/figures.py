"""Results of an exported model, as text."""

from search.evaluation.calibration import Abstention
from search.process.wording import in_percent
from search.run_folder.exported.metrics import Metrics


def figures(metrics: Metrics) -> list[tuple[str, str]]:
    """What it reached on the test images, in words: (name, value).

    Args:
        metrics: of the export.
    """
    low, high = metrics.accuracy_interval
    rows = [
        ("accuracy", f"{metrics.accuracy:.4f} ({low:.4f} to {high:.4f})"),
        *_balanced(metrics),
        ("accuracy on validation", _validation(metrics)),
        ("AUC", f"{metrics.auc:.4f}"),
        ("log loss", f"{metrics.loss:.4f}"),
        (
            "expected calibration error",
            f"{metrics.ece:.4f} ({metrics.ece_uncalibrated:.4f} before calibration by a "
            f"temperature of {metrics.calibration.temperature:.2f})",
        ),
    ]
    if strength := metrics.calibration.adjustment:
        rows.append(
            (
                "answers shifted towards rare classes",
                f"logit adjustment with strength {strength:.1f}",
            )
        )
    if abstain := metrics.abstain:
        rows.append(("answering only when sure", _abstain(metrics, abstain)))
    return rows


def _balanced(metrics: Metrics) -> list[tuple[str, str]]:
    """The balanced accuracy, where classes are not equally many."""
    return [("balanced accuracy", f"{metrics.balanced_accuracy:.4f}")] if metrics.unequal else []


def _validation(metrics: Metrics) -> str:
    more = "more" if metrics.optimism > 0 else "less"
    gap = f"{abs(metrics.optimism):.4f} {more} than on the test images"
    return f"{metrics.val_accuracy:.4f} ({gap})"


def _abstain(metrics: Metrics, abstain: Abstention) -> str:
    low, high = abstain.precision_interval
    precision = "–" if abstain.precision is None else in_percent(abstain.precision)
    goal = in_percent(metrics.precision_wished or 0.0)
    threshold = in_percent(metrics.calibration.threshold or 0.0)
    return (
        f"{precision} of the answers are right ({in_percent(low)} to {in_percent(high)}; goal "
        f"{goal}); {in_percent(abstain.coverage)} of the images are answered, those below "
        f'{threshold} confidence are "unsure"'
    )
