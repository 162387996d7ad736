"""Rebuild a network whose convolutions in groups take one channel each as depthwise convolutions.

`keras.applications` builds ConvNeXt from `Conv2D` with as many groups as channels. TensorFlow
computes these on a processor through XLA, slower by a factor of 3, and they cannot be written as
ONNX. `DepthwiseConv2D` computes the same.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

# Of `Conv2D`, and what `DepthwiseConv2D` calls the same.
_SHARED = ("name", "strides", "padding", "data_format", "dilation_rate", "activation", "use_bias")
_RENAMED = {"kernel_size": "kernel_size", "kernel_initializer": "depthwise_initializer"}


def depthwise(network: keras.Model) -> keras.Model:
    """Return the network with the same weights and outputs, without convolutions in groups.

    Args:
        network: A functional model. Without such convolutions it is returned as it is.
    """
    if not any(_is_grouped(layer) for layer in network.layers):
        return network
    copy = keras.models.clone_model(network, clone_function=_rebuilt)
    for layer in network.layers:
        if not (weights := layer.get_weights()):
            continue
        if _is_grouped(layer):
            # [height, width, 1, channels] -> [height, width, channels, 1]
            weights[0] = weights[0].swapaxes(2, 3)
        copy.get_layer(layer.name).set_weights(weights)
    return copy


def _is_grouped(layer: Any) -> bool:
    return isinstance(layer, layers.Conv2D) and layer.groups == layer.filters > 1


def _rebuilt(layer: Any) -> Any:
    config = layer.get_config()
    if not _is_grouped(layer):
        return type(layer).from_config(config)
    options = {name: config[name] for name in _SHARED}
    options |= {renamed: config[name] for name, renamed in _RENAMED.items()}
    return layers.DepthwiseConv2D.from_config(options)
