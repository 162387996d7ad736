"""Choose which configurations a search begins with; imports without Keras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.families.family import Family

ON_SECOND = 2  # baselines that are tried on the second best backbone too


def baselines_on(
    family: Family, *, pretrained: bool, pairs: int
) -> list[tuple[Mapping[str, Any], int]]:
    """List a family's baselines, each with the place of the backbone that it stands on.

    Args:
        family: Those that are solved have none: they are raced.
        pretrained: Whether backbones have pretrained weights: without them none can be fine-tuned.
        pairs: How many pairs of a backbone and an image size there are; where there are two or
            more, the first baselines come on the second best too.

    Returns:
        Values in what they differ from the defaults, and 0 for the best backbone or 1 for the
        second best, in the order in which they are tried.
    """
    if family.solved:
        return []
    usable = [
        values
        for values in family.baselines
        if pretrained or not values.get(f"{family.name}/unfreeze")
    ]
    places = [(values, 0) for values in usable]
    if family.pretrained and pretrained and pairs > 1:
        places[ON_SECOND:ON_SECOND] = [(values, 1) for values in usable[:ON_SECOND]]
    return places
