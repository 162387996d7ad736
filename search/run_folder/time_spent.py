"""Say where the time of a search and of an export went, and what each part has brought."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from search.evaluation.objective import Objective
from search.process.wording import duration_in_words
from search.run_folder.origins import KNOWN_GOOD, ORIGINS, RACE, RANDOM
from search.run_folder.records import DIVERGED, TrialRecord


@dataclass(frozen=True)
class Spent:
    """A part of a search.

    Attributes:
        origin: how its configurations came about, one of `search.run_folder.origins.ORIGINS`.
        configurations: how many there are.
        seconds: that their trials took.
        best: best score of one that saw all images; None where there is none.
    """

    origin: str
    configurations: int
    seconds: float
    best: float | None


@dataclass(frozen=True)
class ExportTime:
    """Where the time of an export went, in seconds.

    Attributes:
        choosing: in which the best few were trained again and compared.
        retraining: of the one that is exported, on the images to train and to validate on.
        files: in which they were written, checked and tested.
    """

    choosing: float
    retraining: float
    files: float

    def parts(self) -> tuple[tuple[str, float], ...]:
        """Name each part."""
        return (
            ("choosing among the best", self.choosing),
            ("retraining", self.retraining),
            ("files and test", self.files),
        )

    def in_words(self) -> str:
        """Write `choosing among the best 1 min 10 s, retraining 55 s, files and test 20 s`."""
        return ", ".join(f"{name} {duration_in_words(took)}" for name, took in self.parts())


def time_spent(records: Sequence[TrialRecord], objective: Objective) -> tuple[Spent, ...]:
    """Add up the trials by how their configurations came about, in the order of `ORIGINS`."""
    parts = []
    for origin in ORIGINS:
        own = [record for record in records if _origin(record) == origin]
        whole = (r.score for r in own if r.images is None and r.status != DIVERGED)
        scores = [score for score in whole if score is not None]
        if own:
            parts.append(
                Spent(
                    origin,
                    len({record.configuration for record in own}),
                    round(sum(record.seconds for record in own), 1),
                    objective.best(scores) if scores else None,
                )
            )
    return tuple(parts)


def _origin(record: TrialRecord) -> str:
    """How a configuration came about; older versions knew of two ways."""
    if record.origin:
        return record.origin
    if record.values.get("family") == "probe":
        return RACE
    return KNOWN_GOOD if record.baseline else RANDOM


def spent_in_words(parts: Iterable[Spent]) -> str:
    """Write `race of backbones 36 s (6, best 0.8887), known-good 45 s (3, best 0.9436)`."""
    return ", ".join(_part_in_words(part) for part in parts)


def _part_in_words(part: Spent) -> str:
    best = "" if part.best is None else f", best {part.best:.4f}"
    seconds = duration_in_words(part.seconds)
    return f"{ORIGINS[part.origin]} {seconds} ({part.configurations}{best})"
