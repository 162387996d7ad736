"""Draw a configuration around one that is known to be good (PriorBand: arXiv 2306.12370)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from search.algorithms.unit_space import active, anywhere, choices, is_ordered, place, value_at
from search.run_folder.records import Values

CHANGED = 0.5  # share of the values that are changed
DEVIATION = 0.25  # standard deviation of a change, as a share of the range


def around(space: Any, centre: Mapping[str, Any], *, keep: str, seed: int) -> Values:
    """Draw values near those of a configuration.

    Half of them are changed: in a range by a normal deviate, cut off at the ends; in an ordered
    choice to a neighbour; in another choice to any value.

    Args:
        space: `keras_tuner.HyperParameters`, as declared.
        centre: values of the configuration; what it lacks is drawn at random.
        keep: name of a value that is never changed.
        seed: of the draw, 0 or more.
    """
    random = np.random.default_rng(seed)
    values: Values = {}
    for entry in active(space, values):
        at = place(entry, centre[entry.name]) if entry.name in centre else None
        changed = random.random() < CHANGED and entry.name != keep
        if at is None:
            values[entry.name] = anywhere(entry, random.random())
        elif changed:
            values[entry.name] = value_at(entry, _beside(entry, at, random))
        else:
            values[entry.name] = _kept(entry, centre[entry.name], at)
    return values


def _kept(entry: Any, value: Any, at: float) -> Any:
    """The value, or the end of a range that was moved away from it."""
    if choices(entry) is None and not entry.min_value <= value <= entry.max_value:
        return value_at(entry, at)
    return value


def _beside(entry: Any, at: float, random: np.random.Generator) -> float:
    listed = choices(entry)
    if listed is None:
        return float(np.clip(at + DEVIATION * random.normal(), 0, 1))
    if is_ordered(entry):
        return float(np.clip(at + random.choice([-1, 1]), 0, len(listed) - 1))
    return float(random.integers(len(listed)))
