"""Load a family from a user's file: this runs the code in it."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from models.errors import ModelError
from models.families.family import Family
from models.families.own.discovery import Found
from models.families.own.hyper_model import OwnModel, as_family

_MODULES = "tune_family_"  # how the modules that files are run as are called
_own_layers: dict[str, Path] = {}  # the files that define them, by the name Keras knows


class Loaded(NamedTuple):
    """What a file gave.

    Attributes:
        family: It.
        model: What it was made of, where that was no `Family`: it knows its hyperparameters.
    """

    family: Family
    model: OwnModel | None


def load_family(file: Path, name: str, found: Found | None = None) -> Loaded:
    """Run a file, and make a family of what it calls `name`.

    Args:
        file: Python code that stands alone: it may import what is installed, but no file beside it.
        name: Of a `Family`, a `keras_tuner.HyperModel` or a class of them, or a function of `hp`.
        found: The hyperparameters of what is no `Family`, where they are known already.

    Raises:
        ModelError: The code fails, or the name is none of these.
    """
    given = getattr(load_code(file), name, None)
    if isinstance(given, Family):
        if given.name != name:
            raise ModelError(
                f"{file}: the family {name} has the name {given.name}; name both alike"
            )
        _require_scoped(given, file)
        return Loaded(given, None)
    if not callable(getattr(given, "build", None)) and not inspect.isfunction(given):
        raise ModelError(
            f"{file}: {name} is {type(given).__name__}, expected a Family, a HyperModel or a "
            "function build(hp)"
        )
    model = OwnModel(name, given, found)
    return Loaded(as_family(model), model)


def load_code(file: Path) -> ModuleType:
    """Run a file; Keras can then load models that hold the layers that it defines.

    Raises:
        ModelError: The code fails.
    """
    name = f"{_MODULES}{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ModelError(f"{file}: cannot be read as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # Keras looks up where a layer was defined
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        raise ModelError(
            f"{file}: imports {error.name}, which is not installed; a file beside it cannot be "
            "imported, as the file is copied into the run"
        ) from error
    except Exception as error:
        raise ModelError(f"{file}: {type(error).__name__}: {error}") from error
    _make_layers_known(module, file)
    return module


def is_own_layer(module: str, name: str, registered_name: str) -> bool:
    """Tell whether a file that was run in this process defines this layer.

    Args:
        module: As the configuration of a model names it; that of files has a prefix.
        name: Of the class.
        registered_name: By which Keras knows it, as "package>name".
    """
    if not module.startswith(_MODULES) or registered_name not in _own_layers:
        return False
    return registered_name.rsplit(">", maxsplit=1)[-1] == name


def files_of_layers() -> list[Path]:
    """List the files of layers that were run in this process."""
    return list(dict.fromkeys(_own_layers.values()))


def _make_layers_known(module: ModuleType, file: Path) -> None:
    """Register the layers of a file with Keras, where they do not do so themselves."""
    import keras

    for value in vars(module).values():
        if not inspect.isclass(value) or not issubclass(value, keras.layers.Layer):
            continue
        if value.__module__ == module.__name__:
            name = keras.saving.get_registered_name(value)
            keras.saving.get_custom_objects()[name] = value
            _own_layers[name] = file


def _require_scoped(family: Family, file: Path) -> None:
    """Require that a family's hyperparameters bear its name: others have theirs too."""
    import keras_tuner

    from models.families.family import ModelOptions

    hp = keras_tuner.HyperParameters()
    options = ModelOptions(image_size=(64, 64), num_classes=2, compact=True)
    family.declare(hp, options)
    others = [each.name for each in hp.space if not each.name.startswith(f"{family.name}/")]
    if others:
        raise ModelError(
            f"{file}: {family.name} declares {', '.join(others)}; expected names that begin with "
            f"{family.name}/"
        )
