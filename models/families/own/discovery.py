"""Find the hyperparameters of a model that only its code knows: by building it.

KerasTuner finds those of conditional scopes so too (`BaseTuner._activate_all_conditions`). Here
each hyperparameter is tried at other values as well: what a loop declares is found, and what
changes nothing of the model, such as the learning rate of an optimizer, is told apart.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import keras

MAX_BUILDS = 60
MAX_TRIED = 3  # other values of one hyperparameter


@dataclass(frozen=True)
class Found:
    """What was found.

    Attributes:
        entries: Hyperparameters of KerasTuner that change the model, in the order declared.
        without_effect: Names of those that do not.
    """

    entries: tuple[Any, ...]
    without_effect: tuple[str, ...]


class _Try(NamedTuple):
    """What is to be built: values, of which one is changed, and the model without that."""

    values: dict[str, Any]
    changed: str
    before: str


def discover(build: Callable[[Any], keras.Model]) -> Found:
    """Find the hyperparameters that `build` declares.

    Args:
        build: From `keras_tuner.HyperParameters` to a model.
    """
    import keras_tuner

    entries: list[Any] = []
    tried: set[str] = set()
    changing: set[str] = set()
    always: set[str] = set()
    waiting: deque[_Try] = deque([_Try({}, "", "")])
    # What is used under another value only is looked at once more under that.
    again: deque[_Try] = deque()
    paired: set[tuple[str, str]] = set()
    for _ in range(MAX_BUILDS):
        if not (waiting or again):
            break
        values, changed, before = (waiting or again).popleft()
        hp = keras_tuner.HyperParameters()
        hp.values = dict(values)
        model = _architecture(build(hp))
        entries += [entry for entry in hp.space if not _holds(entries, entry)]
        # A parent decides which others there are, whatever it does by itself.
        always |= {condition.name for entry in entries for condition in entry.conditions}
        now, active = dict(hp.values), [entry for entry in hp.space if hp.is_active(entry)]
        if changed and model != before:
            changing.add(changed)
            for entry in active:
                if entry.name in tried - changing and (changed, entry.name) not in paired:
                    paired.add((changed, entry.name))
                    again += _tries(entry, now, model)[:1]
        for entry in active:
            if entry.name not in tried:
                tried.add(entry.name)
                waiting += _tries(entry, now, model)
    changing |= {each.changed for each in waiting}  # of these nothing is known
    kept = [entry for entry in entries if entry.name in changing | always]
    dropped = dict.fromkeys(entry.name for entry in entries if entry not in kept)
    return Found(tuple(kept), tuple(name for name in dropped if name in tried))


def _tries(entry: Any, values: dict[str, Any], model: str) -> list[_Try]:
    """What is built to see whether a hyperparameter changes a model."""
    others = _other_values(entry, values[entry.name])
    return [_Try(values | {entry.name: value}, entry.name, model) for value in others]


def _holds(entries: list[Any], entry: Any) -> bool:
    return any(
        (known.name, known.conditions) == (entry.name, entry.conditions) for known in entries
    )


def _other_values(entry: Any, value: Any) -> list[Any]:
    """List some values other than this one, the last of a range or list first."""
    listed = [entry.prob_to_value(where) for where in (1.0 - 1e-9, 0.0, 0.5)]
    if values := getattr(entry, "values", None):
        listed = list(values)[::-1]
    return [other for other in dict.fromkeys(listed) if other != value][:MAX_TRIED]


def _architecture(model: keras.Model) -> str:
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
