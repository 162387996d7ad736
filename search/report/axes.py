"""Choose the axes of parallel coordinates: the hyperparameters that differ within a family."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.insights.names import human, value_in_words
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
        others = sorted(value_in_words(value) for value in seen)
        declared = [value_in_words(value) for value in parameter.values]
        return Axis(parameter.name, "category", tuple(dict.fromkeys([*declared, *others])))
    return Axis(parameter.name, "log" if parameter.log else "value")
