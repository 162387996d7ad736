"""Find the Pareto front: what nothing else beats in both cost and accuracy."""

from collections.abc import Iterable
from typing import NamedTuple


class Offer(NamedTuple):
    """What is to be had: `cost` (less is better) for `accuracy` (more); `number` names it."""

    cost: float
    accuracy: float
    number: int


def pareto_front(offers: Iterable[Offer]) -> list[Offer]:
    """Choose the offers that no other beats in both cost and accuracy, cheapest first."""
    front: list[Offer] = []
    # From the cheapest on, so that only accuracy is left to compare.
    for offer in sorted(offers, key=lambda offer: (offer.cost, -offer.accuracy)):
        if not front or offer.accuracy > front[-1].accuracy:
            front.append(offer)
    return front
