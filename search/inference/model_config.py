"""Check that the configuration inside a .keras file holds only parts of our own models.

Keras builds whatever a configuration names. Its safe mode refuses lambdas; a list of what we
use refuses everything else too, also what has not been found to be dangerous yet.
"""

import copy
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from models.families.own.loading import is_own_layer
from models.families.registry import FAMILIES

MAX_LAYERS = 2_000  # the largest backbone has some 500
MAX_ACTIVATION = 2**30  # numbers that one layer puts out for one image; 64 filters at 4096×4096
_WEIGHT_BYTES = 4  # we write float32 throughout, and states of random generators as uint32

# By module, as Keras writes it. A family of models names the layers that it adds itself, see
# `models.families.family.Family`: an export that holds any other layer cannot be loaded.
_KNOWN = {
    "keras": {"DTypePolicy", "Sequential"},
    "keras.initializers": {
        "GlorotUniform",
        "HeNormal",
        "HeUniform",
        "Ones",
        "RandomNormal",
        "TruncatedNormal",
        "VarianceScaling",
        "Zeros",
    },
    "keras.layers": {
        "Activation",
        "Add",
        "BatchNormalization",
        "Concatenate",
        "Conv2D",
        "Dense",
        "DepthwiseConv2D",
        "Dropout",
        "Flatten",
        "GlobalAveragePooling2D",
        "InputLayer",
        "LayerNormalization",
        "MaxPooling2D",
        "Multiply",
        "RandomTranslation",  # by 0: see `models.xla`
        "ReLU",
        "Rescaling",
        "Reshape",
        "Resizing",
        "SeparableConv2D",
        "ZeroPadding2D",
        # None of ours has these; families of users may.
        "AlphaDropout",
        "Average",
        "AveragePooling2D",
        "Conv2DTranspose",
        "Cropping2D",
        "ELU",
        "GaussianDropout",
        "GaussianNoise",
        "GlobalMaxPooling2D",
        "GroupNormalization",
        "Identity",
        "LeakyReLU",
        "Maximum",
        "Minimum",
        "PReLU",
        "Permute",
        "RMSNormalization",
        "Softmax",
        "SpatialDropout2D",
        "Subtract",
        "UnitNormalization",
        "UpSampling2D",
    },
    "keras.regularizers": {"L1", "L1L2", "L2"},
    "keras.src.applications.convnext": {"LayerScale"},
    "keras.src.models.functional": {"Functional"},
    "keras.src.ops.numpy": {"Add", "Multiply", "Round"},
}


def why_not_known(config: Any) -> str:
    """Walk through a parsed configuration; return "" or the first part that is not ours."""
    if not isinstance(config, dict) or config.get("class_name") != "Functional":
        return "it describes no model"
    layers = 0
    for part in _parts(config):
        if part.get("compile_config") or part.get("quantization_config"):
            return "it says how to train or quantize a model"
        if "class_name" in part and (problem := _problem(part)):
            return problem
        layers += "inbound_nodes" in part
        if layers > MAX_LAYERS:
            return f"it has more than {MAX_LAYERS:,} layers"
    return ""


def why_too_large(config: dict[str, Any], weights_bytes: int) -> str:
    """Build the model without its weights and compare what it declares with what there is.

    Args:
        config: one that `why_not_known` finds nothing in.
        weights_bytes: the size of the file of weights, which holds all of them uncompressed.

    Returns:
        "" or what is larger than it can be.
    """
    # In a thread of its own, since Keras keeps its scopes and the variables that it has yet to
    # create for each thread: here they vanish with it.
    with ThreadPoolExecutor(1) as executor:
        declared, activation, unknown = executor.submit(_sizes, config).result()
    if unknown:
        return f"{_shown(unknown)} takes images of any size"
    if declared * _WEIGHT_BYTES > weights_bytes:
        return f"it declares {declared:,} weights and holds {weights_bytes:,} bytes of them"
    if activation > MAX_ACTIVATION:
        return f"a layer puts out {activation:,} numbers for one image"
    return ""


def _parts(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """List every object inside, without recursion: deep nesting would exhaust the stack."""
    waiting: list[Any] = [config]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _problem(part: dict[str, Any]) -> str:
    name, module = part["class_name"], part.get("module")
    if name == "__keras_tensor__" and set(part) == {"class_name", "config"}:
        return ""
    # Without a module Keras takes an older way, which looks names up everywhere.
    if not _is_known(module, name, part.get("registered_name")):
        return f"it holds {_shown(module)}.{_shown(name)}, which is none of our layers"
    if name == "DTypePolicy":
        policy = part.get("config")
        return "" if policy == {"name": "float32"} else f"it computes in {_shown(policy)}"
    if "shared_object_id" in part:
        return f"{_shown(name)} stands in it twice"
    nodes = part.get("inbound_nodes", [])
    # A layer that is called twice, in a model that is called twice, and so on: a few lines
    # would be built for ever.
    return "" if isinstance(nodes, list) and len(nodes) <= 1 else f"{_shown(name)} is called twice"


def _is_known(module: Any, name: Any, registered_name: Any) -> bool:
    if not isinstance(module, str) or not isinstance(name, str):
        return False
    if isinstance(registered_name, str) and is_own_layer(module, name, registered_name):
        return True
    if registered_name not in (None, name):
        return False
    if name in _KNOWN.get(module, ()):
        return True
    return module == "keras.layers" and any(name in family.layers for family in FAMILIES.values())


def _sizes(config: dict[str, Any]) -> tuple[int, int, str]:
    """Count (numbers in all variables, in the largest output for one image), without memory.

    The last is the name of a layer that gives an image of unknown size, as none but the input of
    ours does: how large it gets could not be counted. "" for none.
    """
    import keras

    with keras.StatelessScope(initialize_variables=False):
        # A copy, since Keras removes entries from a configuration while it reads it.
        model = keras.saving.deserialize_keras_object(copy.deepcopy(config), safe_mode=True)
    declared = sum(math.prod(variable.shape) for variable in model.variables)
    shapes = [
        (type(layer).__name__, tensor.shape[1:])
        for layer in _layers(model)
        for tensor in _outputs(layer)
        if type(layer).__name__ != "InputLayer"
    ]
    unknown = next((name for name, shape in shapes if None in shape), "")
    return (
        declared,
        max((math.prod(size or 1 for size in s) for _, s in shapes), default=0),
        unknown,
    )


def _layers(model: Any) -> Iterator[Any]:
    """List all operations of a model and of the models inside it."""
    for layer in getattr(model, "operations", model.layers):
        yield layer
        if hasattr(layer, "layers"):
            yield from _layers(layer)


def _outputs(layer: Any) -> list[Any]:
    outputs = layer.output
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]


def _shown(value: Any) -> str:
    return ascii(value)[:60].strip("'")
