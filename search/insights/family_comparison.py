"""Say which family is ahead, as far as the validation images can tell."""

from collections.abc import Sequence

from search.evaluation.objective import Objective
from search.evaluation.two_shares import cannot_tell
from search.insights.names import listed

Family = tuple[str, float]  # its name, and the best score of its configurations


def ahead(families: Sequence[Family], objective: Objective, images: int | None) -> str:
    """Say how the best of each family compare; which is ahead only if the images can tell.

    An accuracy is a count, so that its error is known. AUC and loss have none so simple, and
    without the number of images there is none: then the figures are said and no more.

    Args:
        families: two or more, best first.
        objective: what the scores are.
        images: number of validation images; None where it is not known.
    """
    what = objective.words
    if not objective.counts_images or not images:
        return f"Best {what}: {', '.join(_figure(row) for row in families)}."
    first, *others = families
    tied = [other for other in others if cannot_tell(first[1], other[1], images)]
    if not tied:
        more = [f"{first[1] - best:.4f} more than {name}" for name, best in others]
        return f"{_figure(first, ' is ahead with')} {what} on {images} images, {listed(more)}."
    names = listed([name for name, _ in (first, *tied)])
    scores = listed([f"{best:.4f}" for _, best in (first, *tied)])
    behind = [_figure(other, " has") for other in others if other not in tied]
    rest = f"; {listed(behind)}" if behind else ""
    return f"{names} are level: {scores} {what}, which {images} images cannot tell apart{rest}."


def _figure(family: Family, between: str = "") -> str:
    name, best = family
    return f"{name}{between} {best:.4f}"
