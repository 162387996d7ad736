"""Say whether a search has found anything better than what it began with."""

from search.run_folder.config import RunConfig, objective_of
from search.run_folder.ranking import best_first
from search.run_folder.records import TrialRecord


def verdict(records: list[TrialRecord], config: RunConfig) -> str:
    """Say whether the search beat the built-in configurations that came first; else ""."""
    ranked = [r for r in best_first(records, objective_of(config)) if r.score is not None]
    first = [r for r in ranked if r.baseline]
    if not ranked or config.preset or config.begin_with:
        return ""
    if not first:
        return "None of the built-in configurations that it began with finished."
    best = ranked[0]
    if best.score == first[0].score:
        return (
            "The search found nothing better than the built-in configuration that it began with "
            f"({first[0].title})."
        )
    # Without its sign: of a loss, less is better.
    gain = abs((best.score or 0.0) - (first[0].score or 0.0))
    return f"The best is {gain:.4f} better than the best built-in configuration that it began with."
