"""Take the best probe unless something is better by more than a standard error.

The leader of a search is the best of many scores on the images to validate on, so a part of its
lead is luck. A probe is one of a few, cross-validated on several times as many images. This is the
rule of one standard error: the simplest model is taken whose score is within it (Breiman et al.
1984, "Classification and Regression Trees", 3.4.3).
"""

from collections.abc import Sequence

from models.describe import describe
from search.selection.finalists import Finalist, is_solved


def beyond_luck(leader: Finalist, finalists: Sequence[Finalist]) -> Finalist:
    """The leader, or the best probe where that is behind it by at most one standard error.

    Args:
        leader: the best on the images to validate on.
        finalists: it and others; of probes the best one first.
    """
    probe = next((finalist for finalist in finalists if is_solved(finalist.record)), leader)
    seen = probe.comparison
    # Of two probes the order of the finalists is the better evidence.
    near = is_solved(leader.record) or seen.behind <= seen.standard_error
    return probe if near else leader


def luck_in_words(winner: Finalist, leader: Finalist) -> str:
    """Say why this one is exported; empty where it is the leader."""
    if winner is leader:
        return ""
    seen = winner.comparison
    better = f"better by {seen.behind:.4f} on the images to validate on"
    why = f"no more than one standard error ({seen.standard_error:.4f})"
    if is_solved(leader.record):
        why = "but not when both are cross-validated"
    return (
        f"Exported is {describe(winner.record.values)}: {describe(leader.record.values)} is "
        f"{better}, {why}."
    )
