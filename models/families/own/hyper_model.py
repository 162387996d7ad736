"""Make a family of a KerasTuner `HyperModel`, or of a function `build(hp)`.

What it builds ends in one number per class. That last layer is made anew here, as all families
have it (`models.families.head.probabilities`), and the model is compiled as those of all families
are: optimizer, learning rate, schedule and loss are the search's.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from models.errors import ModelError
from models.families.family import Family, ModelOptions
from models.families.head import Dropout, images_input, plain_dropout, probabilities
from models.families.own.discovery import Found, discover

if TYPE_CHECKING:
    import keras


class OwnModel:
    """The functions of a family, from a class, an object or a function that builds models.

    Args:
        name: Of the family.
        given: A `keras_tuner.HyperModel`, a class of them, or a function of `hp`. Of `input_shape`,
            `image_size`, `classes` and `num_classes` a class or function is given those that it
            has as arguments.
        found: Its hyperparameters, where they are known already.
    """

    def __init__(self, name: str, given: Any, found: Found | None = None) -> None:
        self.name, self.given, self.found = name, given, found

    def hyperparameters(self, options: ModelOptions) -> Found:
        """Return what it declares; the number of classes makes no difference."""
        if self.found is None:
            self.found = discover(lambda hp: self._built(hp, options))
        return self.found

    def declare(self, hp: Any, options: ModelOptions) -> None:
        """Declare its hyperparameters, each as "<family>/<name>"."""
        found = self.hyperparameters(options)
        hp.merge([scoped(entry, self.name) for entry in found.entries], overwrite=False)

    def build(
        self, hp: Any, options: ModelOptions, dropout: Dropout = plain_dropout
    ) -> keras.Model:
        """Build the uncompiled model: images [b, h, w, 3] 0-255 -> float32 probabilities."""
        import keras_tuner

        inner = keras_tuner.HyperParameters()  # what it declares beside is left out of the search
        inner.values = {
            name.removeprefix(f"{self.name}/"): value
            for name, value in hp.values.items()
            if name.startswith(f"{self.name}/")
        }
        return _with_last_layer(self.name, self._built(inner, options), options)

    def _built(self, hp: Any, options: ModelOptions) -> keras.Model:
        try:
            model = self._builder(options)(hp)
        except Exception as error:  # the user's code
            raise ModelError(f"{self.name}: build: {type(error).__name__}: {error}") from error
        return _graph(self.name, model, options)

    def _builder(self, options: ModelOptions) -> Callable[[Any], keras.Model]:
        known = {
            "input_shape": (*options.image_size, 3),
            "image_size": options.image_size,
            "classes": options.num_classes,
            "num_classes": options.num_classes,
        }
        given: Any = self.given
        if inspect.isclass(given):
            made: Any = given(**_taken(given.__init__, known))
            return made.build
        if hasattr(given, "build"):
            return given.build
        wanted = _taken(given, known)
        return lambda hp: given(hp, **wanted)


def as_family(model: OwnModel) -> Family:
    """Make the family."""
    return Family(
        name=model.name,
        declare=model.declare,
        build=model.build,
        variable_rates=False,
    )


def scoped(entry: Any, family: str) -> Any:
    """Copy a hyperparameter as one of a family: "<family>/<name>", where that is chosen.

    Args:
        entry: Of KerasTuner; left as it is.
        family: A name.
    """
    config = entry.get_config()
    config["name"] = f"{family}/{entry.name}"
    for condition in config["conditions"]:
        condition["config"]["name"] = f"{family}/{condition['config']['name']}"
    of_family = {"class_name": "Parent", "config": {"name": "family", "values": [family]}}
    config["conditions"].insert(0, of_family)
    return type(entry).from_config(config)


def _taken(function: Any, known: dict[str, Any]) -> dict[str, Any]:
    """Choose what a function has arguments for."""
    return {name: known[name] for name in inspect.signature(function).parameters if name in known}


def _graph(name: str, model: Any, options: ModelOptions) -> keras.Model:
    """Give what was built as a functional model, and check that it takes the images."""
    import keras

    if not isinstance(model, keras.Model):
        raise ModelError(f"{name}: build gave {type(model).__name__}, expected a keras.Model")
    wanted = (None, *options.image_size, 3)
    if isinstance(model, keras.Sequential):
        images = images_input(options.image_size)
        x = images
        for layer in model.layers:
            x = layer(x)
        return keras.Model(images, x, name=name)
    if not _is_functional(model):
        raise ModelError(
            f"{name}: {type(model).__name__} is a subclass of keras.Model, which no file can hold "
            "whole; expected a functional or Sequential model"
        )
    if model.input_shape != wanted:
        raise ModelError(
            f"{name}: takes images of shape {model.input_shape}, expected {wanted}; take "
            "input_shape as an argument"
        )
    return model


def _with_last_layer(name: str, model: keras.Model, options: ModelOptions) -> keras.Model:
    """Put `probabilities` in place of the last layer."""
    import keras

    features = _before_last_layer(name, model, options.num_classes)
    output = probabilities(features, num_classes=options.num_classes)
    return keras.Model(model.input, output, name=name)


def _before_last_layer(name: str, model: keras.Model, num_classes: int) -> Any:
    """Return what goes into the last Dense layer, as a tensor that follows from `model.input`."""
    import keras
    from keras import layers

    last, given = _maker(model.output)
    if isinstance(last, layers.Activation | layers.Softmax):
        last, given = _maker(given)
    if isinstance(last, keras.Model):
        inner = keras.Model(last.input, _before_last_layer(name, last, num_classes))
        return inner(given)
    units = (num_classes, 1) if num_classes == 2 else (num_classes,)
    if not isinstance(last, layers.Dense) or last.units not in units:
        numbers = f"{last.units} numbers" if isinstance(last, layers.Dense) else "no Dense layer"
        raise ModelError(
            f"{name}: ends in {type(last).__name__} ({numbers}), expected a Dense layer with "
            f"{num_classes} units, one per class; take num_classes as an argument"
        )
    return given


def _is_functional(model: keras.Model) -> bool:
    from keras.src.models.functional import Functional

    return isinstance(model, Functional)


def _maker(tensor: Any) -> tuple[Any, Any]:
    """Return the layer that a symbolic tensor comes from, and what that was given."""
    history = tensor._keras_history
    return history.operation, history.operation._inbound_nodes[history.node_index].input_tensors[0]
