"""Take the best probe unless a trained head is better by more than a standard error.

Both see the same features of a frozen backbone, and there are many heads, each at its best epoch:
a part of the leader's lead is luck. A probe is one of a few, cross-validated on several times as
many images. This is the rule of one standard error: the simplest model is taken whose score is
within it (Breiman et al. 1984, "Classification and Regression Trees", 3.4.3).
"""

from collections.abc import Sequence

from models.describe import describe
from models.families.registry import family_named
from search.run_folder.records import TrialRecord
from search.selection.finalists import Finalist, is_solved


def is_head(record: TrialRecord) -> bool:
    """Tell whether it is trained on the features of a backbone that stays as it is."""
    family = family_named(str(record.values["family"]))
    return family.pretrained and not family.solved and family.probe(record.values) is None


def beyond_luck(leader: Finalist, finalists: Sequence[Finalist]) -> Finalist:
    """The leader, or the best probe where the leader is no better for sure.

    Args:
        leader: the best on the images to validate on.
        finalists: it and others; of probes the best one first.
    """
    probe = next((finalist for finalist in finalists if is_solved(finalist.record)), leader)
    seen = probe.comparison
    # Of two probes the order of the finalists is the better evidence.
    near = is_head(leader.record) and seen.behind <= seen.standard_error
    return probe if near or is_solved(leader.record) else leader


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
