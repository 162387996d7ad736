"""Choose which configurations a search begins with; imports without Keras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.families.family import Family


def baselines_on(
    family: Family, *, pretrained: bool, pairs: int
) -> list[tuple[Mapping[str, Any], int]]:
    """List a family's baselines, each with the place of the backbone that it stands on.

    Args:
        family: One that is solved has none: it is raced.
        pretrained: Whether backbones have pretrained weights: without them none can be fine-tuned.
        pairs: How many pairs of a backbone and an image size there are. Two or more have won a
            race of probes: the first baseline that fine-tunes comes on two of them, and what
            fine-tunes before trained heads, which on average gain nothing over probes.

    Returns:
        Values in what they differ from the defaults, and the place of the pair that they stand
        on, 0 or 1, in the order in which they are tried.
    """
    if family.solved:
        return []
    places: list[tuple[Mapping[str, Any], int]] = []
    raced = on_second = family.pretrained and pairs > 1
    unfreeze = f"{family.name}/unfreeze"
    for values in family.baselines:
        if not values.get(unfreeze):
            places.append((values, 0))
        elif pretrained:
            places += [(values, 0), (values, 1)] if on_second else [(values, 0)]
            on_second = False
    return sorted(places, key=lambda pair: not pair[0].get(unfreeze)) if raced else places
