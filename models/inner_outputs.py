"""Make a classifier give tensors from inside, beside its probabilities."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

_CONVOLUTIONS = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D)
_CHANNELS = 3  # of images


def with_inner_outputs(model: keras.Model) -> keras.Model:
    """Make a model with the same weights that also returns tensors from inside.

    Returns:
        Images -> {"probabilities"; "features", a list with an entry [b, rows, columns, channels]
        per network that sees the images, the last map of the size that its last convolution gave;
        "logits" [b, k] or [b, 1]; "embedding" [b, n], what the last layer is given}; the latter
        three where there are any.
    """
    inner: dict[str, Any] = {}

    def call(layer: Any, *arguments: Any, **options: Any) -> Any:
        # `clone_model` takes no `call_function` for a Sequential. Only ConvNeXt has such models
        # inside, and they hold neither the last feature map nor the logits.
        if isinstance(layer, keras.Model) and not isinstance(layer, keras.Sequential):
            inside = with_inner_outputs(layer)(*arguments, **options)
            output = inside.pop("probabilities")
            if "features" in inside and arguments[0].shape[-1] == _CHANNELS:
                # It sees the images: the map of another that does so stays beside its own.
                inside["features"] = [*inner.get("features", []), *inside["features"]]
            inner.update(inside)
            return output
        if _is_last(layer):
            # Without the bias, which has no part in a gradient.
            inner["embedding"] = arguments[0]
            inner["logits"] = ops.matmul(arguments[0], layer.kernel)
        output = layer(*arguments, **options)
        if _is_map(layer, output, inner["features"][-1] if "features" in inner else None):
            inner["features"] = [output]
        return output

    copy = keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)
    return keras.Model(copy.input, {**inner, "probabilities": copy.output}, name=model.name)


def _is_map(layer: Any, output: Any, before: Any) -> bool:
    """Tell whether this is the map of a convolution, or that map normalised or activated."""
    shape = tuple(getattr(output, "shape", ()))
    if len(shape) != 4 or shape[1:3] == (1, 1):
        return False
    same_size = before is not None and shape[1:3] == tuple(before.shape[1:3])
    return same_size or isinstance(layer, _CONVOLUTIONS)


def _is_last(layer: Any) -> bool:
    """Tell whether this layer turns logits into probabilities."""
    kinds = (keras.activations.sigmoid, keras.activations.softmax)
    return isinstance(layer, layers.Dense) and layer.activation in kinds
