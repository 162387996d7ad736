"""Divide a backbone into the layers that are fine-tuned and those that are not."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers


def lower_part(backbone: keras.Model, part: float) -> keras.Model:
    """Make the model of all but the last `part` (0 to 1) of the layers: images -> one tensor."""
    at = _division(backbone, part)
    return keras.Model(backbone.input, backbone.layers[at].output, name="lower")


def upper_part(backbone: keras.Model, part: float) -> keras.Model:
    """Make the model of the last `part` (0 to 1) of the layers, on what `lower_part` gives."""
    at = _division(backbone, part)
    return keras.Model(backbone.layers[at].output, backbone.output, name="upper")


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copy the weights of every layer of `source` to the layer of that name in `target`."""
    for layer in source.layers:
        if layer.weights:
            target.get_layer(layer.name).set_weights(layer.get_weights())


def unfreeze(backbone: keras.Model, part: float) -> None:
    """Make the last `part` (0 to 1) of the layers trainable, and no others.

    Batch normalisation stays frozen throughout, scale and offset included: its statistics were
    learned on a million photos, and those of a few small batches would spoil the layers after it.
    Only `trainable = False` keeps it in inference mode: calling the backbone with
    `training=False` does not, since `fit` overrides that argument in every layer of a model.
    """
    backbone.trainable = True
    first = {0.0: len(backbone.layers), 1.0: 0}.get(part)
    if first is None:
        first = _division(backbone, part) + 1
    for number, layer in enumerate(backbone.layers):
        normalization = isinstance(layer, layers.BatchNormalization)
        layer.trainable = number >= first and not normalization


def depths(network: keras.Model) -> dict[str, float]:
    """Return for each variable's path the place of its layer, 0 for the first to 1 for the last."""
    last = max(1, len(network.layers) - 1)
    return {
        variable.path: number / last
        for number, layer in enumerate(network.layers)
        for variable in layer.weights
    }


def _division(backbone: keras.Model, part: float) -> int:
    """Return the layer from which the last `part` of the layers can be cut off.

    It is the last at or before that place whose output is all that the layers after it take.
    """
    consumers = [_names(layer.input) for layer in backbone.layers]
    wanted = round(len(backbone.layers) * (1 - part)) - 1
    made: dict[str, int] = {}
    for number, layer in enumerate(backbone.layers):
        made |= dict.fromkeys(_names(layer.output), number)
    open_until = [0] * len(backbone.layers)
    for number, taken in enumerate(consumers):
        for name in taken:
            at = made[name]
            open_until[at] = max(open_until[at], number)
    for at in range(wanted, 0, -1):
        if all(open_until[before] <= at for before in range(at)):
            return at
    return 0


def _names(tensors: Any) -> list[str]:
    return [tensor.name for tensor in (tensors if isinstance(tensors, list) else [tensors])]
