"""The families of models. Imports without Keras, so that the command line can list them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.families import cnn, transfer
from models.families import mini_xception as xception

FAMILIES: dict[str, Callable[..., Any]] = {
    "transfer": transfer.build,
    "cnn": cnn.build,
    "xception": xception.build,
}
"""In the order in which their known-good configurations are tried: the soonest good first."""

_HEAD = {"transfer/dropout": 0.5, "batch_size": 64, "augmentation/strength": 0.0}
_NORMALIZED = {**_HEAD, "transfer/normalization": "batch"}
BASELINES: dict[str, tuple[dict[str, Any], ...]] = {
    "transfer": (
        {**_NORMALIZED, "optimizer": "adamw", "weight_decay": 1e-2},
        {**_NORMALIZED, "learning_rate": 3e-3},
        {**_HEAD, "batch_size": 32},
        {**_NORMALIZED, "learning_rate": 3e-3, "batch_size": 32},
        {**_NORMALIZED, "batch_size": 32, "optimizer": "adamw", "weight_decay": 1e-2},
    ),
    "cnn": ({},),
    "xception": ({},),
}
"""Known-good configurations of each family: in what they differ from the defaults.

Several heads, since one costs a second once its features are there. Such as these had the best
validation accuracy, 0.949 to 0.953 on average over three splits, of twenty-two tried on 2,000
photos of cats and dogs at 96 px; which of them is ahead differs from split to split. Their few
weights are not overfitted soon, and unaugmented images go through the backbone only once.
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
