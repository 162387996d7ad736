"""Declare the hyperparameters that all families share: training and augmentation."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

ADAPTIVE = ["adam", "adamw"]
RUNTIME_VALUES = (
    *("learning_rate", "sgd_learning_rate", "schedule", "warmup", "hold", "label_smoothing"),
    *("class_weights", "transfer/fine_tune_rate"),
)
"""Values that a traced training step reads from variables (see `models.adjustable`)."""


def declare_training(hp: Any, *, compact: bool, class_weights: Sequence[str] = ()) -> None:
    """Declare batch size, optimizer, schedule and loss, each value only where it is used.

    Args:
        hp: What they are declared in.
        compact: Smaller batches.
        class_weights: What images of rare classes may count for, by name; none where classes are
            about equal.
    """
    hp.Choice(
        "batch_size", [16, 32, 64] if compact else [32, 64, 128], default=16 if compact else 32
    )
    hp.Choice("optimizer", [*ADAPTIVE, "sgd"], default="adam")
    with hp.conditional_scope("optimizer", ADAPTIVE):
        hp.Float("learning_rate", 1e-4, 1e-2, sampling="log", default=1e-3)
    with hp.conditional_scope("optimizer", ["sgd"]):
        # A name of its own: steps that are not normalised want a rate ten times as large.
        hp.Float("sgd_learning_rate", 1e-3, 1e-1, sampling="log", default=1e-2)
        hp.Choice("momentum", [0.0, 0.9], default=0.9)
    with hp.conditional_scope("optimizer", ["adamw", "sgd"]):
        hp.Choice("weight_decay", [0.0, 1e-4, 1e-3, 1e-2], default=1e-4)
    hp.Choice("schedule", ["constant", "cosine"], default="cosine")
    with hp.conditional_scope("schedule", ["cosine"]):
        # Shares of all training steps; the rest is the decay.
        hp.Choice("warmup", [0.0, 0.05, 0.1], default=0.05)
        hp.Choice("hold", [0.0, 0.2, 0.45], default=0.0)
    hp.Choice("label_smoothing", [0.0, 0.05, 0.1], default=0.0)
    if class_weights:
        hp.Choice("class_weights", list(class_weights), default=class_weights[0])


def declare_augmentation(hp: Any, *, compact: bool) -> None:
    """Declare what `data_pipeline.augment.augment.augmenter` takes.

    CutMix and MixUp together are left out on machines without a GPU: both need long training
    to help, and slow the first epochs.
    """
    hp.Float("augmentation/strength", 0.0, 1.0, step=0.1, default=0.3)
    hp.Choice("augmentation/policy", ["basic", "randaugment", "flip_rotate"], default="basic")
    hp.Choice("augmentation/erasing", [0.0, 0.25, 0.5], default=0.0)
    mixes = ["none", "mixup", "cutmix"]
    hp.Choice("augmentation/mix", mixes if compact else [*mixes, "both"], default="none")


def traced_values(
    values: dict[str, Any], *, variable_rates: bool = True
) -> tuple[tuple[str, Any], ...]:
    """Return the values of a configuration that need a training step of their own, sorted by name.

    Of weight decay it matters only whether there is any, and of dropout too where its rates are
    variables; augmentation happens before, in the pipeline.
    """
    switches = {"weight_decay"} | {n for n in values if variable_rates and n.endswith("dropout")}
    return tuple(
        (name, value > 0 if name in switches else value)
        for name, value in sorted(values.items())
        if name not in RUNTIME_VALUES and not name.startswith("augmentation/")
    )


_TRAINING = ("dropout", "unfreeze", "warmup_epochs", "fine_tune_rate", "layer_decay")


def architecture(values: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Return the values that decide the size and speed of a model, sorted by name."""
    family = values["family"]
    return tuple(
        (name, value)
        for name, value in sorted(values.items())
        if name.startswith(f"{family}/") and not name.endswith(_TRAINING)
    )


def architecture_key(values: dict[str, Any]) -> str:
    """Name an architecture in a file: 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(architecture(values)).encode()).hexdigest()[:16]
