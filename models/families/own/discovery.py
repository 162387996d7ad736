"""Find the hyperparameters of a model that only its code knows: by building it.

KerasTuner finds those of conditional scopes so too (`BaseTuner._activate_all_conditions`). Here
each hyperparameter is tried at other values as well: what a loop declares is found, and what
changes nothing of the model, such as the learning rate of an optimizer, is told apart.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from models.families.own.architecture import architecture_of

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


def discover(build: Callable[[Any], keras.Model]) -> Found:
    """Find the hyperparameters that `build` declares.

    Args:
        build: From `keras_tuner.HyperParameters` to a model.
    """
    discovery = _Discovery(build)
    discovery.try_each()
    discovery.try_again()
    return discovery.found()


class _Built(NamedTuple):
    """A model, the values it was built with, and the hyperparameters that are active then."""

    model: str
    values: dict[str, Any]
    active: list[Any]


class _Discovery:
    """What is known so far.

    Attributes:
        changing: Names of those that change the model.
        unknown: Of those of which there were too many to look at.
    """

    def __init__(self, build: Callable[[Any], keras.Model]) -> None:
        self._build, self._left = build, MAX_BUILDS
        self._entries: list[Any] = []
        self._changed: list[_Built] = []  # models, each with a value of its own that matters
        self.changing: set[str] = set()
        self.unknown: set[str] = set()

    def try_each(self) -> None:
        """Try other values of each, also of those that are only declared under such values."""
        first = self._built({})
        waiting = deque([first])
        tried: set[str] = set()
        while waiting:
            base = waiting.popleft()
            for entry in base.active:
                if entry.name not in tried:
                    tried.add(entry.name)
                    waiting += self._tried(entry, base, MAX_TRIED)

    def try_again(self) -> None:
        """Try those that changed nothing under values that do: they may be used there only."""
        for entry in self._entries:
            for base in self._changed:
                is_open = entry.name not in self.changing | self.unknown
                if is_open and entry.name in {active.name for active in base.active}:
                    self._tried(entry, base, 1)

    def found(self) -> Found:
        """Return what is kept, and what is left out."""
        # A parent decides which others there are, whatever it does by itself.
        always = {condition.name for entry in self._entries for condition in entry.conditions}
        names = self.changing | self.unknown | always
        kept = tuple(entry for entry in self._entries if entry.name in names)
        dropped = dict.fromkeys(entry.name for entry in self._entries if entry.name not in names)
        return Found(kept, tuple(dropped))

    def _tried(self, entry: Any, base: _Built, most: int) -> list[_Built]:
        """Build with so many other values of one, at most."""
        built = []
        for value in _other_values(entry, base.values[entry.name])[:most]:
            if not self._left:
                self.unknown.add(entry.name)
                break
            built.append(self._built(base.values | {entry.name: value}))
            if built[-1].model != base.model:
                if entry.name not in self.changing:
                    self._changed.append(built[-1])
                self.changing.add(entry.name)
        return built

    def _built(self, values: dict[str, Any]) -> _Built:
        import keras_tuner

        self._left -= 1
        hp = keras_tuner.HyperParameters()
        hp.values = dict(values)
        model = architecture_of(self._build(hp))
        self._entries += [entry for entry in hp.space if not _holds(self._entries, entry)]
        active = [entry for entry in hp.space if hp.is_active(entry)]
        return _Built(model, dict(hp.values), active)


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
