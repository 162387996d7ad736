"""Read how the race of backbones went, from the records of its probes; no TensorFlow."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from models.families.registry import family_named
from search.algorithms.racing.probed import comparable, is_raced
from search.run_folder.origins import RACE
from search.run_folder.records import ALL_IMAGES, TrialRecord, Values

JOINED = " + "  # between the names of two backbones under one probe


@dataclass(frozen=True)
class Raced:
    """A backbone at an image size.

    Attributes:
        backbone: its name, or those of two that are joined.
        image_size: longer side in pixels of the images that it saw.
        images: on how many its last probe was fitted; None for all.
        score: of that probe, by the objective, cross-validated where that is known; None where it
            failed.
        seconds: of all its probes.
        cross_validated: whether that is what the score is.
    """

    backbone: str
    image_size: int
    images: int | None
    score: float | None
    seconds: float
    cross_validated: bool = False

    def in_words(self) -> str:
        """`mobilenet_v2 at 224 px 0.8935`."""
        score = "failed" if self.score is None else f"{self.score:.4f}"
        part = "" if self.images is None else f" on {self.images:,} images"
        return f"{self.backbone} at {self.image_size} px {score}{part}"


def probes(records: Sequence[TrialRecord]) -> dict[str, list[TrialRecord]]:
    """Group the finished probes of a race by candidate, each in the order of its rungs."""
    grouped: dict[str, list[TrialRecord]] = defaultdict(list)
    for record in records:
        # An update tries again what was raced before; older versions noted no origin.
        if is_raced(record.values) and record.finished and record.origin in ("", RACE):
            grouped[record.configuration].append(record)
    return {name: sorted(rungs, key=lambda rung: rung.rung) for name, rungs in grouped.items()}


def standings(records: Sequence[TrialRecord], *, sign: float) -> tuple[Raced, ...]:
    """List the candidates, those that saw most images first, of these the best first.

    Args:
        records: of the run.
        sign: 1, or -1 where less of the objective is better.
    """

    def place(rungs: list[TrialRecord]) -> tuple[int, tuple[float, ...]]:
        last = rungs[-1]
        if (score := _score(last)) is None:
            return 0, ()
        loss = last.best_logs.get("val_loss", 0.0)
        return last.images or ALL_IMAGES, comparable(score, loss, sign=sign)

    ranked = sorted(probes(records).values(), key=place, reverse=True)
    return tuple(
        Raced(
            backbone=backbone_of(rungs[-1].values),
            image_size=image_side(rungs[-1].values),
            images=rungs[-1].images,
            score=_score(rungs[-1]),
            seconds=round(sum(rung.seconds for rung in rungs), 1),
            cross_validated=rungs[-1].cross_validated is not None,
        )
        for rungs in ranked
    )


def backbone_of(values: Values) -> str:
    """`mobilenet_v2`, or of two that are joined `mobilenet_v2 + mobilenet_075`."""
    features = family_named(str(values["family"])).features
    parts = (features.parts(values) if features else []) or [values]
    return JOINED.join(part["probe/backbone"] for part in parts)


def image_side(values: Values) -> int:
    """The longer side in pixels of the images that a probe sees."""
    return int(values[f"{values['family']}/image_size"])


def _score(record: TrialRecord) -> float | None:
    """What the race compares: the objective out of fold where that is known."""
    return record.score if record.cross_validated is None else record.cross_validated


def race_in_words(raced: Sequence[Raced]) -> str:
    """Say who won: `race of 8 backbones and sizes: mobilenet_v2 at 224 px 0.8935, then …`.

    Empty where there was no race.
    """
    if not raced:
        return ""
    first, *others = raced
    count = f"{len(raced)} backbones and sizes" if others else "one backbone at one size"
    then = f", then {others[0].in_words()}" if others else ""
    how = ", cross-validated" if first.cross_validated else ""
    return f"race of {count}{how}: {first.in_words()}{then}"
