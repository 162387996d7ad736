"""Take nothing that is trained unless it is better than the best probe by more than luck.

There are many trained configurations, each at its best epoch: a part of the leader's lead is luck.
A probe is one of a few, cross-validated on several times as many images. Heads see the same
features as probes: they have to be ahead by a standard error, as in the rule of Breiman et al.
(1984, "Classification and Regression Trees", 3.4.3), which takes the simplest model that is within
it. Fine-tuning changes the features and gains more often: half a standard error will do.
"""

import math
from collections.abc import Sequence

from search.selection.candidates import is_head, is_solved
from search.selection.finalists import Finalist

HEADS_LUCK, LUCK = 1.0, 0.5  # standard errors


def beyond_luck(leader: Finalist, finalists: Sequence[Finalist]) -> Finalist:
    """The best that is ahead of the best probe by more than luck, or that probe.

    Args:
        leader: the best on the images to validate on.
        finalists: it and others; of probes the best one first.
    """
    ranked = sorted(finalists, key=lambda finalist: finalist.comparison.behind)
    rivals = [finalist.comparison for finalist in ranked if is_solved(finalist.record)]
    if not rivals:
        return leader
    for finalist in ranked:
        lead = rivals[0].behind - finalist.comparison.behind
        if lead > _luck(finalist) * rivals[0].standard_error:
            return finalist
    # Of two probes of all images the order of the finalists, by cross-validation, is the better
    # evidence.
    probes = [finalist for finalist in ranked if is_solved(finalist.record)]
    compared = [f.record for f in probes if f.record.cross_validated is not None]
    if len(compared) == len(probes) and all(record.images is None for record in compared):
        return next(finalist for finalist in finalists if is_solved(finalist.record))
    return probes[0]


def _luck(finalist: Finalist) -> float:
    """The standard errors that it has to be ahead of the best probe; no other probe ever is."""
    if is_solved(finalist.record):
        return math.inf
    return HEADS_LUCK if is_head(finalist.record) else LUCK


def luck_in_words(winner: Finalist, leader: Finalist) -> str:
    """Say why this one is exported; empty where it is the leader."""
    if winner is leader:
        return ""
    seen = winner.comparison
    better = f"better by {seen.behind:.4f} on the images to validate on"
    luck = "one standard error" if is_head(leader.record) else "half a standard error"
    why = f"which is ahead of the best probe by no more than {luck}"
    if is_solved(leader.record):
        why = "but not when both are cross-validated"
    return f"Exported is {winner.record.title}: {leader.record.title} is {better}, {why}."
