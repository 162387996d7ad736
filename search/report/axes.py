"""Choose the axes of parallel coordinates: the hyperparameters that differ within a family."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.insights.names import human
from search.insights.space import Hyperparameter
from search.report.configurations import Tried


@dataclass(frozen=True)
class Axis:
    """An axis of parallel coordinates.

    Attributes:
        name: of the hyperparameter, as "cnn/filters".
        kind: "value", "log" or "category".
        values: of a category axis, in its order, in words; else none.
    """

    name: str
    kind: str
    values: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The name without its family, in words: `block dropout`."""
        return human(self.name.split("/")[-1])

    @staticmethod
    def value_in_words(value: Any) -> str:
        """A value of a category axis, numbers as the other axes have them: `0.001`."""
        return str(value) if isinstance(value, bool | str) else f"{value:g}"


def axes_of(tried: Sequence[Tried], space: Mapping[str, Hyperparameter]) -> list[Axis]:
    """Choose the hyperparameters that have more than one value among these configurations.

    A configuration without a value for one of them (momentum without SGD) has a gap there.
    """
    axes = []
    for parameter in space.values():
        seen = {each.values[parameter.name] for each in tried if parameter.name in each.values}
        if len(seen) > 1:
            axes.append(_axis(parameter, seen))
    return axes


def _axis(parameter: Hyperparameter, seen: set[Any]) -> Axis:
    if parameter.values:
        others = sorted(map(Axis.value_in_words, seen))
        declared = list(map(Axis.value_in_words, parameter.values))
        return Axis(parameter.name, "category", tuple(dict.fromkeys([*declared, *others])))
    return Axis(parameter.name, "log" if parameter.log else "value")
