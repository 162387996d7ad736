"""Describe a configuration in a few words, for tables and progress lines; no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.families.registry import family_named

_POLICIES = {"basic": "aug", "randaugment": "randaugment", "flip_rotate": "flip+rotation"}


def describe(values: Mapping[str, Any], images: int | None = None) -> str:
    """Describe a configuration, such as "xception ×0.25, 3 blocks, adam 1.0e-3, batch 32".

    Args:
        values: Of the configuration.
        images: How many it was trained on, where that is a part of them; then it is said too.
    """
    family = family_named(values["family"])
    parts = family.describe(values)
    if not family.solved:
        parts += [_optimizer(values), f"batch {values['batch_size']}"]
        parts += [*_class_weights(values), *_augmentation(values)]
    if images is not None:
        parts.append(f"{images:,} images")
    return ", ".join(parts)


def _optimizer(values: Mapping[str, Any]) -> str:
    name = values["optimizer"]
    rate = values["sgd_learning_rate" if name == "sgd" else "learning_rate"]
    digits, exponent = f"{rate:.1e}".split("e")
    return f"{name} {digits}e{int(exponent)}"


def _class_weights(values: Mapping[str, Any]) -> list[str]:
    kind = values.get("class_weights", "none")
    return [] if kind == "none" else [f"{kind} class weights"]


def _augmentation(values: Mapping[str, Any]) -> list[str]:
    strength = values["augmentation/strength"]
    policy = _POLICIES[values["augmentation/policy"]]
    parts = [f"{policy} {strength:.1g}"] if strength else []
    if (mix := values["augmentation/mix"]) != "none":
        parts.append({"both": "mixup+cutmix"}.get(mix, mix))
    return parts
