"""Summarise each configuration of a search for the report's charts and tables."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from models.space import architecture_key
from search.evaluation.objective import ACCURACY
from search.process.wording import in_percent
from search.run_folder.records import TrialRecord, Values

FILE_BYTES_PER_WEIGHT = 4  # float32, as exported


@dataclass(frozen=True)
class Tried:
    """A configuration, all its rungs together.

    Attributes:
        configuration: its id.
        summary: its values in short.
        family: what kind of model it is.
        values: its hyperparameters.
        accuracy: on validation at its best epoch, 0 to 1; None before it had one.
        epochs: how far it was trained, all rungs.
        seconds: wall-clock time of all its rungs.
        curve: (epoch from 1, validation accuracy) of each epoch.
        megabytes: of its weights in float32; None where they were never counted.
        note: why it went no further, if it was not simply outdone.
        milliseconds: per image on this machine; None where it was not measured.
        images: a part of the images that it saw, whose accuracy may be luck; None for all.
    """

    configuration: str
    summary: str
    family: str
    values: Values
    accuracy: float | None
    epochs: int
    seconds: float
    curve: tuple[tuple[int, float], ...]
    megabytes: float | None
    note: str
    milliseconds: float | None = None
    images: int | None = None

    @property
    def name(self) -> str:
        """Text that a chart shows when the pointer is on the configuration."""
        parts = [in_percent(self.accuracy, 2) if self.accuracy is not None else "no score"]
        parts += [f"{self.epochs} epoch{'' if self.epochs == 1 else 's'}"]
        if self.megabytes is not None:
            parts.append(f"{self.megabytes:.2g} MB")
        if self.milliseconds is not None:
            parts.append(f"{self.milliseconds:.3g} ms")
        return f"{', '.join(parts)}\n{self.summary}"


def tried_configurations(
    records: Iterable[TrialRecord], ranked: Sequence[TrialRecord]
) -> list[Tried]:
    """Summarise the configurations, best first, their latencies unknown.

    Args:
        records: all of a run.
        ranked: the best of each configuration, best first (see
        `search.run_folder.ranking.best_first`).
    """
    rungs: dict[str, list[TrialRecord]] = defaultdict(list)
    for record in records:
        rungs[record.configuration].append(record)
    return [_tried(best, rungs[best.configuration]) for best in ranked]


def with_latencies(tried: Sequence[Tried], latencies: Mapping[str, float]) -> list[Tried]:
    """Add the latencies that were measured.

    Args:
        tried: configurations.
        latencies: seconds per image by `architecture_key`.
    """
    measured = [latencies.get(architecture_key(each.values)) for each in tried]
    return [
        each if seconds is None else replace(each, milliseconds=seconds * 1e3)
        for each, seconds in zip(tried, measured, strict=True)
    ]


def _tried(best: TrialRecord, rungs: Sequence[TrialRecord]) -> Tried:
    # The best rung has the score, the last one tells how far it went and why no further.
    last = max(rungs, key=lambda record: (record.epochs, record.rung))
    # By epoch: the rungs of a configuration share one count, and each epoch is drawn once.
    epochs = {int(logs["epoch"]): logs for record in rungs for logs in record.history}
    weights = best.parameters
    return Tried(
        configuration=best.configuration,
        summary=best.title,
        family=str(best.values["family"]),
        values=best.values,
        accuracy=best.accuracy,
        epochs=max(epochs, default=-1) + 1,
        seconds=sum(record.seconds for record in rungs),
        curve=tuple(
            (epoch + 1, logs[ACCURACY])
            for epoch, logs in sorted(epochs.items())
            if ACCURACY in logs
        ),
        megabytes=None if weights is None else weights * FILE_BYTES_PER_WEIGHT / 1e6,
        note=last.reason or last.stopped_early,
        images=best.images,
    )
