"""Bring the records of a run into order: the epochs of a configuration, the best configuration."""

from collections.abc import Sequence

from search.errors import TuneError
from search.evaluation.objective import Objective
from search.process.printable import printable
from search.run_folder.paths import RunFolder
from search.run_folder.records import ALL_IMAGES, DIVERGED, Logs, TrialRecord


def configuration_history(records: list[TrialRecord], configuration: str) -> list[Logs]:
    """Metrics of one configuration's epochs over all its rungs, in order."""
    epochs = {
        logs["epoch"]: logs
        for record in records
        if record.configuration == configuration
        for logs in record.history
    }
    return [epochs[epoch] for epoch in sorted(epochs)]


def best_first(records: list[TrialRecord], objective: Objective) -> list[TrialRecord]:
    """One record per configuration, its best rung, best score first; those without score last.

    Of equal scores the one with more epochs comes first: it has been tested for longer. Before
    those without a score come those that saw a part of the images, most images first: on few
    images the best score is luck.
    """

    def rank(record: TrialRecord) -> tuple[bool, int, float, int]:
        scored = record.score is not None and record.status != DIVERGED
        seen = -(record.images or ALL_IMAGES)
        return (not scored, seen, objective.rank(record.score or 0.0), -record.epochs)

    best: dict[str, TrialRecord] = {}
    for record in sorted(records, key=rank):
        best.setdefault(record.configuration, record)
    return list(best.values())


def no_result(run: RunFolder, records: Sequence[TrialRecord]) -> TuneError:
    """Make the error for a run of which no trial has a score, with the way on."""
    if records and all(record.finished for record in records):
        return TuneError(
            f"{printable(run.name)}: none of its trials came to a result; the first: "
            f"{records[0].reason or records[0].status}; mend the cause, or leave the family out "
            "with --families, and start a new run"
        )
    return TuneError(
        f"{printable(run.name)}: no trial has finished yet; "
        f"go on with 'tune run --resume {run.argument}'"
    )
