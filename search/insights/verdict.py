"""Say whether a search has found anything better than what it began with."""

from search.evaluation.two_shares import cannot_tell
from search.run_folder.config import RunConfig, objective_of
from search.run_folder.ranking import best_first
from search.run_folder.records import TrialRecord


def verdict(records: list[TrialRecord], config: RunConfig, images: int | None) -> str:
    """Say whether the search beat the built-in configurations that came first; else "".

    Args:
        records: of the run.
        config: of the run.
        images: to validate on; None where that is not known.
    """
    objective = objective_of(config)
    ranked = [r for r in best_first(records, objective) if r.score is not None]
    # Scores on a part of the images say nothing beside scores on all.
    ranked = [r for r in ranked if r.images is None] or ranked
    first = [r for r in ranked if r.baseline]
    if not any(r.baseline for r in records):  # none keeps to the limits of the run
        return ""
    if not ranked or config.preset or config.begin_with:
        return ""
    if not first:
        return "None of the built-in configurations that it began with finished."
    score, built_in = ranked[0].score or 0.0, first[0].score or 0.0
    gain = f"{abs(score - built_in):.4f}"  # without its sign: of a loss, less is better
    if float(gain) == 0.0:
        return (
            "The search found nothing better than the built-in configuration that it began with "
            f"({first[0].title})."
        )
    than = "the best built-in configuration that it began with"
    if objective.counts_images and images and cannot_tell(score, built_in, images):
        return f"The best is {gain} ahead of {than}, which {images:,} images cannot tell apart."
    return f"The best is {gain} better than {than}."
