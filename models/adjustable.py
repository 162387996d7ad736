"""Hold numbers of a model in variables, so that they change without tracing it again.

A learning rate or a dropout rate changes no shape. With such numbers in variables one traced
training step serves every configuration that shares its architecture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops


def float_variable(value: float | Sequence[float]) -> Any:
    """Make a float32 scalar or vector to which other values can be assigned.

    TensorFlow's variable, not Keras's: Keras would count its own among the weights.
    """
    return tf.Variable(value, dtype=tf.float32, trainable=False)


class Dropout(layers.Dropout):
    """Keras's dropout with a rate that `set_rate` changes; a rate of 0 stays 0.

    Args:
        rate: 0 to below 1; at 0 the layer does nothing and draws nothing, like Keras's.
        hyperparameter: Name of the value that sets the rate.
    """

    def __init__(self, rate: float, hyperparameter: str = "", **options: Any) -> None:
        super().__init__(rate, **options)
        self.hyperparameter = hyperparameter
        self._number = float_variable(rate)

    def set_rate(self, rate: float) -> None:
        """Change the rate.

        Raises:
            ValueError: one of the two rates is 0, which would need another graph.
        """
        if (rate > 0) != (self.rate > 0):
            raise ValueError(f"dropout: received rate {rate} for a layer made with {self.rate}")
        self._number.assign(rate)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Zero a share `rate` of the inputs and scale up the rest, in training only."""
        # At 0 no random number is drawn: the seed generator stays where Keras's would stay.
        if not training or self.rate == 0:
            return inputs
        drawn = keras.random.uniform(ops.shape(inputs), dtype="float32", seed=self.seed_generator)
        kept = ops.cast(drawn >= self._number, "float32") / (1.0 - self._number)
        return inputs * ops.cast(kept, inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what Keras needs to save and load this layer."""
        return {**super().get_config(), "hyperparameter": self.hyperparameter}


def adjustable_dropout(hp: Any, name: str) -> layers.Layer:
    """Make a dropout layer whose rate `set_dropout` can change."""
    return Dropout(hp.get(name), hyperparameter=name)


def set_dropout(model: keras.Model, hp: Any) -> None:
    """Give every adjustable dropout in `model` the rate that `hp` has for it."""
    for layer in _all_layers(model):
        if isinstance(layer, Dropout):
            layer.set_rate(hp.get(layer.hyperparameter))


def _all_layers(model: keras.Model) -> Iterator[layers.Layer]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _all_layers(layer)
        else:
            yield layer
