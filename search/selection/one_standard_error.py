"""Take no trained head unless it is better than the best probe by more than a standard error.

Both see the same features of a frozen backbone, and there are many heads, each at its best epoch:
a part of the leader's lead is luck. A probe is one of a few, cross-validated on several times as
many images. This is the rule of one standard error: the simplest model is taken whose score is
within it (Breiman et al. 1984, "Classification and Regression Trees", 3.4.3).
"""

from collections.abc import Sequence

from models.describe import describe
from search.selection.finalists import Finalist, is_head, is_solved


def beyond_luck(leader: Finalist, finalists: Sequence[Finalist]) -> Finalist:
    """The leader; or the best that is no head, where the leader is one and no better for sure.

    Args:
        leader: the best on the images to validate on.
        finalists: it and others; of probes the best one first.
    """
    probe = next((finalist for finalist in finalists if is_solved(finalist.record)), None)
    if probe is None:
        return leader
    if is_solved(leader.record):
        return probe  # of two probes the order of the finalists is the better evidence
    if not is_head(leader.record) or probe.comparison.behind > probe.comparison.standard_error:
        return leader
    others = [finalist for finalist in finalists if not is_head(finalist.record)]
    return beyond_luck(min(others, key=lambda finalist: finalist.comparison.behind), others)


def luck_in_words(winner: Finalist, leader: Finalist) -> str:
    """Say why this one is exported; empty where it is the leader."""
    if winner is leader:
        return ""
    seen = winner.comparison
    better = f"better by {seen.behind:.4f} on the images to validate on"
    why = "a trained head, which is no better than the best probe by more than one standard error"
    if is_solved(leader.record):
        why = "but not when both are cross-validated"
    return (
        f"Exported is {describe(winner.record.values)}: {describe(leader.record.values)} is "
        f"{better}, {why}."
    )
