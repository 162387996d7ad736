"""What a search has seen of each configuration, and what may be concluded from it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search.algorithms.seen_trials import Seen
from search.evaluation.two_shares import cannot_tell
from search.run_folder.records import Values


@dataclass(frozen=True)
class Curve:
    """What is known of a configuration.

    Attributes:
        values: its values.
        scores: by the number of epochs after which it had them, more being better; none where it
            failed or diverged.
    """

    values: Values
    scores: Mapping[int, float]

    @property
    def epochs(self) -> int:
        """For how many it was trained."""
        return max(self.scores, default=0)

    def best_within(self, epochs: int) -> float | None:
        """The best score of its first so many epochs; None where it has none."""
        known = [score for epoch, score in self.scores.items() if epoch <= epochs]
        return max(known, default=None)


def at_equal_epochs(curves: Sequence[Curve], enough: int) -> tuple[list[Seen], int]:
    """Compare configurations after equally many epochs, the most that so many of them have.

    Args:
        curves: of all configurations.
        enough: how many must have them.

    Returns:
        The configurations, each with its best score by then, and the number of epochs. Those with
        fewer epochs keep theirs.
    """
    lengths = sorted((curve.epochs for curve in curves), reverse=True)
    full = max(lengths[min(enough, len(lengths)) - 1], 1) if lengths else 1
    seen = [Seen(c.values, c.best_within(full), epochs=min(c.epochs, full)) for c in curves]
    return seen, full


def hopeless_families(curves: Sequence[Curve], images: int) -> set[str]:
    """Name the families that are clearly behind another: nothing more is drawn from them.

    Their best result is worse than that of the leading family after as many epochs by more than
    chance, and they are wrong at least twice as often.

    Args:
        curves: of configurations whose scores are accuracies, or areas under a curve.
        images: on how many these rest.
    """
    families: dict[str, list[Curve]] = defaultdict(list)
    for curve in curves:
        if curve.scores:
            families[str(curve.values.get("family"))].append(curve)
    return {
        family
        for family, own in families.items()
        if any(_clearly_behind(own, others, images) for others in families.values())
    }


def _clearly_behind(own: Sequence[Curve], others: Sequence[Curve], images: int) -> bool:
    """Whether the others were clearly better after as many epochs as the longest own curve has."""
    epochs = max(curve.epochs for curve in own)
    score = max(max(curve.scores.values()) for curve in own)
    rivals = [best for curve in others if (best := curve.best_within(epochs)) is not None]
    leader = max(rivals, default=0.0)
    return not cannot_tell(leader, score, images) and 1 - score >= 2 * (1 - leader)
