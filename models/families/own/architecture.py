"""Write what a model is made of, to tell two apart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


def architecture_of(model: keras.Model) -> str:
    """Write what a model is made of, without how it is trained and the names that Keras numbers."""
    numbers: dict[str, int] = {}

    def plain(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            # How a model inside this one was compiled.
            return {k: plain(v, k) for k, v in value.items() if k != "compile_config"}
        if isinstance(value, list | tuple):
            is_place = len(value) == 3 and isinstance(value[0], str)  # name, node, tensor
            return [plain(each, "name" if is_place else "") for each in value]
        return numbers.setdefault(value, len(numbers)) if key == "name" else value

    return json.dumps(plain(model.get_config()), default=str, sort_keys=True)
