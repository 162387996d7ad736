"""Give the configurations that a search begins with, each with all of its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.families.baselines import baselines_on
from models.families.registry import FAMILIES, family_named
from models.hypermodel import ImageClassifier, with_values


def baseline_values(
    hypermodel: ImageClassifier, winners: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Return the baselines of its families, in the order in which they are tried.

    Each has a value for every hyperparameter that is active in it.

    Args:
        hypermodel: What declares the values.
        winners: Values of probes, the best first; by default of the first backbone.
    """
    options = hypermodel.options
    pairs = [(values["probe/backbone"], values["probe/image_size"]) for values in winners]
    pairs = pairs or [(name, options.backbone_sizes[-1]) for name in options.backbones[:1]]
    baselines = []
    pretrained = options.weights is not None
    own = [name for name in hypermodel.families if name not in FAMILIES]
    for name in (*FAMILIES, *own):
        if name not in hypermodel.families:
            continue
        family = family_named(name)
        for values, place in baselines_on(family, pretrained=pretrained, pairs=len(pairs)):
            changes = {"family": name, **values}
            if family.pretrained:
                changes |= _stands_on(name, values, pairs, place, options.backbone_sizes[0])
            baselines.append(completed(hypermodel, changes))
    return baselines


def _stands_on(
    family: str, values: Mapping[str, Any], pairs: list[tuple[Any, Any]], place: int, smallest: int
) -> dict[str, Any]:
    """Return backbone and image size; what is fine-tuned begins with each at the smallest size."""
    if values.get(f"{family}/unfreeze"):
        at_smallest = [(backbone, smallest) for backbone, _ in pairs]
        pairs = list(dict.fromkeys([*at_smallest, *pairs]))
    return dict(zip((f"{family}/backbone", f"{family}/image_size"), pairs[place], strict=True))


def default_values(hypermodel: ImageClassifier, family: str) -> dict[str, Any]:
    """Return the first baseline of `family`, with a value for every active hyperparameter."""
    row, pretrained = family_named(family), hypermodel.options.weights is not None
    usable = baselines_on(row, pretrained=pretrained, pairs=1) or [(row.baselines[0], 0)]
    values, _ = usable[0]
    return completed(hypermodel, {"family": family, **values})


def completed(hypermodel: ImageClassifier, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with the default of each active hyperparameter that they lack.

    Args:
        hypermodel: What declares the values.
        values: Of a configuration, its family among them.
    """
    hp = with_values(values)
    hypermodel.declare_hyperparameters(hp)
    return dict(hp.values)
