"""The probes of a race of backbones, and how they are compared."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.families.registry import family_named
from models.pretrained.backbones import BACKBONES
from search.run_folder.records import Values

BACKBONE, IMAGE_SIZE = "probe/backbone", "probe/image_size"  # names of values


@dataclass(frozen=True)
class Probed:
    """One probe of the race.

    Attributes:
        trial_id: of its trial.
        values: the candidate.
        rung: counted from 0.
        score: what is compared, more being better; None where it has not ended, or failed.
        ended: whether it has.
    """

    trial_id: str
    values: Values
    rung: int
    score: tuple[float, ...] | None
    ended: bool


def comparable(score: float, loss: float, *, sign: float) -> tuple[float, float]:
    """Return what candidates are compared by, more being better.

    Args:
        score: of the objective, cross-validated where that is known.
        loss: log loss on validation, which decides between equal scores.
        sign: 1, or -1 where less of the objective is better.
    """
    return sign * score, -loss


def is_raced(values: Mapping[str, Any]) -> bool:
    """Tell whether these are values of a probe of the race, of one backbone or of two."""
    return "family" in values and family_named(values["family"]).solved


def own_values(values: Mapping[str, Any]) -> Values:
    """Leave out of a probe's values those that KerasTuner adds: the defaults of all families."""
    own = (f"{values['family']}/", "family")
    return {name: value for name, value in values.items() if name.startswith(own)}


def by_score(entries: Iterable[Probed]) -> list[Probed]:
    """Those with a score, the best first."""
    scored = [(entry.score, entry) for entry in entries if entry.score is not None]
    return [entry for _, entry in sorted(scored, key=lambda pair: pair[0], reverse=True)]


def going_on(best_first: Sequence[Probed], places: int, images: int | None) -> Sequence[Probed]:
    """Choose which of a rung of different backbones go on: the best, and of the others the likely.

    Scores on few images are mostly luck, and networks that are better on ImageNet are better
    elsewhere too (Kornblith et al. 2019, arXiv 1805.08974: r = 0.96 for fine-tuned ones). So of
    those that are less than a standard error from the last place these go on.

    Args:
        best_first: with scores, the best first.
        places: how many go on.
        images: that were fitted to; None for all, which decide alone. Scores are on about as many:
            on up to twice, where they are cross-validated.
    """
    if images is None or len(best_first) <= places:
        return best_first[:places]
    scores = [entry.score[0] if entry.score else 0.0 for entry in best_first]
    last = scores[places - 1]
    error = _standard_error(last, images)
    if error is None:
        return best_first[:places]
    sure = [0, *(k for k, score in enumerate(scores) if k and score > last + error)]
    close = [k for k, score in enumerate(scores) if k not in sure and score >= last - error]
    close.sort(key=lambda k: -BACKBONES[str(best_first[k].values[BACKBONE])].imagenet)
    return [best_first[k] for k in sorted([*sure, *close][:places])]


def is_clearly_ahead(
    entries: Iterable[Probed], backbones: Sequence[str], images: int | None
) -> bool:
    """Tell whether the first of these backbones is ahead of the second by a standard error.

    Args:
        entries: of one rung.
        backbones: their names, the best first.
        images: that were fitted to; None for all.
    """
    ranked = by_score(entry for entry in entries if entry.values[BACKBONE] in backbones[:2])
    scores = {entry.values[BACKBONE]: entry.score[0] for entry in reversed(ranked) if entry.score}
    if images is None or len(scores) < 2:
        return False
    first, second = (scores[name] for name in backbones[:2])
    error = _standard_error(second, images)
    return error is not None and first > second + error


def _standard_error(score: float, images: int) -> float | None:
    """Of a share of so many images; None for a loss, whose error is not known."""
    return math.sqrt(score * (1 - score) / images) if 0 <= score <= 1 else None
