"""The families of models. Imports without Keras, so that the command line can list them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models import cnn, transfer, xception

FAMILIES: dict[str, Callable[..., Any]] = {
    "transfer": transfer.build,
    "cnn": cnn.build,
    "xception": xception.build,
}
"""In the order in which their known-good configurations are tried: the soonest good first."""

KNOWN_GOOD: dict[str, dict[str, Any]] = {
    "transfer": {"learning_rate": 3e-3, "augmentation/strength": 0.0}
}
"""Shared hyperparameters that a family wants otherwise than their defaults.

A head on fixed features is close to convex and bears a larger step: on 1,000 photos of cats and
dogs at 96 px its first epoch reached 0.935, against 0.897 at 1e-3. Its few weights
are not overfitted soon, and unaugmented pictures go through the backbone only once.
"""
MIN_IMAGE_SIZE = {"cnn": 16, "xception": 16, "transfer": 32}
"""Least pixels a side, by family: below it the last feature map would be empty."""


def declare_family(
    hp: Any,
    family: str,
    *,
    image_size: tuple[int, int],
    backbones: tuple[str, ...],
    compact: bool,
    weights: str | None,
) -> None:
    """Declare the hyperparameters of one family, in the scope that the caller has opened."""
    if family == "transfer":
        transfer.declare(
            hp, image_size=image_size, backbones=backbones, compact=compact, weights=weights
        )
    elif family == "xception":
        xception.declare(hp, image_size=image_size, compact=compact)
    else:
        cnn.declare(hp, image_size=image_size, compact=compact)
