"""A space of KerasTuner with each range on a scale of its own from 0 to 1, such as a logarithm."""

from collections.abc import Callable, Iterator
from typing import Any

from search.run_folder.records import Values

DIGITS = 10  # of a value in a range with steps


def active(space: Any, values: Values) -> Iterator[Any]:
    """Go through the hyperparameters that a configuration has, given those before each.

    Args:
        space: `keras_tuner.HyperParameters`, as declared.
        values: of the configuration; what was yielded may be set on the way.
    """
    # KerasTuner's own `merge` would set each to its default on the way, and those that depend on
    # it would be those of the default.
    for entry in space.space:
        if all(condition.is_active(values) for condition in entry.conditions):
            yield entry


def choices(entry: Any) -> list[Any] | None:
    """List the values of a choice; None for a range."""
    if hasattr(entry, "min_value"):
        return None
    return list(entry.values) if hasattr(entry, "values") else [entry.value]


def is_ordered(entry: Any) -> bool:
    """Tell whether neighbours in a choice are alike, as numbers are."""
    return bool(getattr(entry, "ordered", False))


def place(entry: Any, value: Any) -> float | int | None:
    """Give the place of a value: 0 to 1 in a range, its number in a choice.

    Of one outside of its range the end; None for one that is not among the choices.
    """
    listed = choices(entry)
    if listed is not None:
        return listed.index(value) if value in listed else None
    if (count := _steps(entry)) is not None:
        number = round((value - entry.min_value) / entry.step)
        return (min(max(number, 0), count - 1) + 0.5) / count
    return min(max(float(entry.value_to_prob(value)), 0.0), 1.0)


def value_at(entry: Any, where: float) -> Any:
    """Give the value at a place."""
    if (listed := choices(entry)) is not None:
        return listed[int(where)]
    if (count := _steps(entry)) is not None:
        number = min(int(where * count), count - 1)
        return round(entry.min_value + number * entry.step, DIGITS)
    # Of a logarithm of whole numbers KerasTuner 1.4.8 gives one more than the end.
    return min(entry.prob_to_value(where), entry.max_value)


def anywhere(entry: Any, luck: float) -> Any:
    """Give a value drawn at random.

    Args:
        entry: the hyperparameter.
        luck: from 0 to below 1.
    """
    listed = choices(entry)
    return value_at(entry, luck if listed is None else int(luck * len(listed)))


def _steps(entry: Any) -> int | None:
    """Count the values of a range of floats with steps; None of other ranges.

    KerasTuner 1.4.8 divides 0.5 by 0.1 and gets 4: the upper end would never be drawn.
    """
    stepped = isinstance(entry.min_value, float) and entry.step is not None
    if not stepped or entry.sampling != "linear":
        return None
    return int((entry.max_value - entry.min_value) / entry.step + 1e-9) + 1


def rebuilt(space: Any, changes: Callable[[Any], dict[str, Any]]) -> Any:
    """The same space with some changes; the one given is left as it is.

    Args:
        space: `keras_tuner.HyperParameters`.
        changes: of a hyperparameter, what differs in its configuration; {} for nothing.
    """
    import keras_tuner

    result = keras_tuner.HyperParameters()
    for entry in space.space:
        result.merge([type(entry).from_config(entry.get_config() | changes(entry))])
    return result


def without_families(space: Any, families: set[str]) -> Any:
    """The same space, without some values of "family"."""

    def changes(entry: Any) -> dict[str, Any]:
        if entry.name != "family":
            return {}
        values = [value for value in choices(entry) or () if value not in families]
        return {"values": values, "default": values[0]}

    return rebuilt(space, changes)
