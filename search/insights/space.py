"""Read the space that a run searched from its oracle's file, without TensorFlow or KerasTuner."""

import math
from dataclasses import dataclass, replace
from typing import Any

from search.errors import TuneError
from search.process.atomic_files import read_json
from search.run_folder.paths import RunFolder

Value = bool | int | float | str
LISTED = 64  # a range of more whole numbers than this is treated as if it were continuous


@dataclass(frozen=True)
class Hyperparameter:
    """One declared hyperparameter, all its scopes together.

    Attributes:
        name: KerasTuner's, as "cnn/filters".
        family: the family that alone has it; None where several share it.
        values: what it may be, ascending where `ordered`; empty for a continuous range.
        ordered: whether its values are numbers, so that there is a lower and an upper end.
        low, high: ends of the range, in its own unit; 0 where it is not ordered.
        log: whether it is drawn evenly over its logarithm.
        ranged: declared by its two ends, which can be moved, and not as a list of choices.
        whole: whether the ends of its range must be whole numbers.
    """

    name: str
    family: str | None
    values: tuple[Value, ...] = ()
    ordered: bool = True
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    ranged: bool = False
    whole: bool = False

    @property
    def single(self) -> bool:
        """Say whether there is nothing to choose."""
        return len(self.values) == 1 or (not self.values and self.low == self.high)

    def place(self, value: Value) -> float | None:
        """Place a value: 0 to 1 in a range on its own scale, else its number in the list.

        None for what is no value of this hyperparameter.
        """
        if not self.ordered:
            return float(self.values.index(value)) if value in self.values else None
        if isinstance(value, str):
            return None
        if self.values:
            # Stepping through floats drifts: 0.30000000000000004 is 0.3.
            near = [math.isclose(value, float(v)) for v in self.values]
            return float(near.index(True)) if True in near else None
        if self.log:
            return (
                math.log(value / self.low) / math.log(self.high / self.low) if value > 0 else None
            )
        return (value - self.low) / (self.high - self.low)


def read_space(run: RunFolder) -> dict[str, Hyperparameter]:
    """Read what a run declared, by name; empty where its oracle's file is missing or broken."""
    try:
        declared = read_json(run.path / "oracle" / "oracle.json")["hyperparameters"]["space"]
        families = tuple(
            value
            for entry in declared
            if entry["config"]["name"] == "family"
            for value in entry["config"]["values"]
        )
        space: dict[str, Hyperparameter] = {}
        for entry in declared:
            new = _read(entry["class_name"], entry["config"], families)
            before = space.get(new.name)
            space[new.name] = _merged(before, new) if before else new
    # The file is KerasTuner's: another version of it may have another form.
    except (TuneError, KeyError, TypeError, ValueError, AttributeError):
        return {}
    return space


def _read(kind: str, config: dict[str, Any], families: tuple[str, ...]) -> Hyperparameter:
    """Convert one entry of KerasTuner's list."""
    name = config["name"]
    family = _family(name, config.get("conditions") or [], families)
    if kind in ("Int", "Float"):
        return _range(kind, name, family, config)
    if kind == "Fixed":
        return _list(name, family, (config["value"],))
    if kind == "Boolean":
        return _list(name, family, (False, True))
    return _list(name, family, tuple(config["values"]))


def _list(name: str, family: str | None, values: tuple[Value, ...]) -> Hyperparameter:
    # A bool is an int to Python, but has no order here.
    if any(isinstance(value, bool | str) for value in values):
        return Hyperparameter(name, family, values, ordered=False)
    numbers = tuple(sorted(values))
    return Hyperparameter(name, family, numbers, low=float(numbers[0]), high=float(numbers[-1]))


def _range(kind: str, name: str, family: str | None, config: dict[str, Any]) -> Hyperparameter:
    low, high, step = config["min_value"], config["max_value"], config.get("step")
    log = config.get("sampling") != "linear"
    values: tuple[Value, ...] = ()
    if kind == "Int" and not step:
        step = 1 if high - low < LISTED else None
    if step and not log:
        # (0.5 - 0.2) / 0.1 is 2.9999999999999996, which int would cut to 2.
        count = int((high - low) / step + 1e-9) + 1
        if count <= LISTED:
            values = tuple(low + number * step for number in range(count))
    return Hyperparameter(
        name,
        family,
        values,
        low=float(low),
        high=float(high),
        log=log,
        ranged=True,
        whole=kind == "Int",
    )


def _family(name: str, conditions: list[Any], families: tuple[str, ...]) -> str | None:
    """Find the family that alone has it, by the prefix of its name or by its scope."""
    prefix = name.split("/", maxsplit=1)[0]
    if "/" in name and prefix in families:
        return prefix
    for condition in conditions:
        parent = condition["config"]
        if parent["name"] == "family" and len(parent["values"]) == 1:
            return str(parent["values"][0])
    return None


def _merged(first: Hyperparameter, second: Hyperparameter) -> Hyperparameter:
    """Merge the same name declared in two scopes."""
    family = first.family if first.family == second.family else None
    if first.values and second.values:
        both = _list(first.name, family, (*dict.fromkeys((*first.values, *second.values)),))
        return replace(both, ranged=first.ranged and second.ranged, whole=first.whole)
    return replace(
        first,
        family=family,
        values=(),
        low=min(first.low, second.low),
        high=max(first.high, second.high),
    )
