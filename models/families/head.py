"""Make the layers that all families share: input, normalisation, dropout, last layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

Dropout = Callable[[Any, str], Any]
"""Makes a dropout layer, given hyperparameters and the name of the rate."""


def plain_dropout(hp: Any, name: str) -> Any:
    """Make Keras's own dropout layer, for exported models: plain Keras can load it."""
    from keras import layers

    return layers.Dropout(hp.get(name))


def probabilities(features: Any, *, num_classes: int) -> Any:
    """Turn features [b, f] into float32 probabilities: [b, 1] for two classes, [b, k] for more.

    Always float32: in half precision a probability near 1 rounds to 1, and its loss to infinity.
    """
    from keras import layers

    units, activation = (1, "sigmoid") if num_classes == 2 else (num_classes, "softmax")
    return layers.Dense(units, activation=activation, dtype="float32", name="probabilities")(
        features
    )


def last_layer(model: keras.Model) -> keras.layers.Layer:
    """Return the layer that `probabilities` made, in a model or in a model inside it."""
    import keras

    inner = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    own = [layer for layer in model.layers if layer.name == "probabilities"]
    return own[0] if own else last_layer(inner[-1])


def set_last_layer(model: keras.Model, kernel: Any, bias: Any) -> None:
    """Set the weights of the last layer: float32 [features, units] and [units]."""
    last_layer(model).set_weights([kernel, bias])


def shift_logits(model: keras.Model, shifts: Any) -> None:
    """Change a trained model so that `shifts` are added to its logits, in place.

    Args:
        model: Ends in what `probabilities` made.
        shifts: float [classes]; of two classes their difference counts.
    """
    bias = last_layer(model).bias
    added = [shifts[1] - shifts[0]] if len(shifts) == 2 else shifts
    bias.assign(bias + added)


def divide_logits(model: keras.Model, temperature: float) -> None:
    """Change a trained model so that its logits are divided by `temperature`, in place.

    The weights of the last layer are divided instead, so that no format needs another layer.

    Args:
        model: Ends in what `probabilities` made.
        temperature: Above 0; above 1 makes the model less sure.
    """
    for variable in last_layer(model).weights:
        variable.assign(variable / temperature)


@contextmanager
def divided_logits(model: keras.Model, temperature: float) -> Iterator[None]:
    """Divide the logits of a trained model by `temperature` for a while; see `divide_logits`."""
    layer = last_layer(model)
    before = layer.get_weights()
    divide_logits(model, temperature)
    try:
        yield
    finally:
        layer.set_weights(before)


def normalized(x: Any, kind: str) -> Any:
    """Apply the normalisation `kind` ("batch" or "none").

    Momentum 0.9 instead of Keras's 0.99: a trial of Hyperband's first rung takes a hundred
    steps, after which averages kept at 0.99 still hold a third of their initial values and a
    trained network validates at chance.
    """
    from keras import layers

    return layers.BatchNormalization(momentum=0.9)(x) if kind == "batch" else x


def images_input(image_size: tuple[int, int]) -> keras.KerasTensor:
    """Make the input for images [b, height, width, 3], pixels 0-255, of any number type."""
    import keras

    return keras.Input((*image_size, 3), name="images")
