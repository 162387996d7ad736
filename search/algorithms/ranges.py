"""Check and apply the ranges of hyperparameters that a user sets (`--range`).

Such a range changes what the oracle draws and nothing else: trials carry plain values, and the
baselines are tried as they are, inside the range or not.
"""

from collections.abc import Mapping
from typing import Any

from search.algorithms.unit_space import rebuilt
from search.errors import TuneError
from search.run_folder.config import RunConfig

Ends = tuple[float, float]
Ranges = tuple[tuple[str, float, float], ...]  # (name, low, high), ends included

# By how a hyperparameter's name ends: what lies beyond has no meaning, or breaks the model.
_LIMITS: dict[str, Ends] = {
    "learning_rate": (1e-8, 10.0),
    "fine_tune_rate": (1e-6, 1.0),  # a share of the learning rate
    "dropout": (0.0, 0.9),
    "strength": (0.0, 1.0),
}


def limits(name: str, declared: Ends) -> Ends:
    """Ends beyond which a hyperparameter's range makes no sense.

    Numbers of blocks end where they are declared to: an image can be halved only so often, and
    no family has more. Other counts and sizes end at 0 below, or where they are declared to.

    Args:
        name: as "cnn/dropout".
        declared: the ends of the range as the family declares it.
    """
    if name.endswith("/blocks"):
        return 1.0, declared[1]
    known = [ends for ending, ends in _LIMITS.items() if name.endswith(ending)]
    return known[0] if known else (min(0.0, declared[0]), float("inf"))


def require_ranges(config: RunConfig) -> None:
    """Refuse ranges that this search does not have, before the images are looked at.

    Raises:
        TuneError: what is wrong with a range.
    """
    if not config.ranges:
        return
    import keras_tuner

    from models.hypermodel import ImageClassifier

    space = keras_tuner.HyperParameters()
    ImageClassifier(
        families=config.families,
        backbones=config.backbones,
        image_size=config.image_size,
        num_classes=2,  # decides nothing of the space
        compact=config.compact,
        weights=config.weights,
        backbone_sizes=config.backbone_sizes,
        largest_side=config.largest_side,
    ).declare_search(space)
    check_ranges(config.ranges, space)


def check_ranges(ranges: Ranges, space: Any) -> None:
    """Look at what the user asked for before anything is prepared.

    Args:
        ranges: asked for.
        space: `keras_tuner.HyperParameters` of this search, as declared.

    Raises:
        TuneError: no such range in this search, or ends that make no sense.
    """
    declared = {entry.name: entry for entry in space.space if hasattr(entry, "min_value")}
    for name, low, high in ranges:
        asked = f"--range {name}={low:g}:{high:g}"
        if name not in declared:
            raise TuneError(f"{asked}: {_unknown(name, space)}; there are {_listed(declared)}")
        if wrong := _wrong(declared[name], low, high):
            raise TuneError(f"{asked}: {wrong}")


def with_ranges(space: Any, ranges: Ranges) -> Any:
    """The same space with these ranges; defaults are brought inside.

    Args:
        space: `keras_tuner.HyperParameters`; left as it is.
        ranges: such as `check_ranges` lets pass.
    """
    if not ranges:
        return space
    ends = {name: (low, high) for name, low, high in ranges}

    def changes(entry: Any) -> dict[str, Any]:
        if entry.name not in ends:
            return {}
        low, high = map(int if _is_whole(entry) else float, ends[entry.name])
        default = min(max(entry.default, low), high)
        return {"min_value": low, "max_value": high, "default": default}

    return rebuilt(space, changes)


def _wrong(entry: Any, low: float, high: float) -> str:
    """What is wrong with the ends asked for; empty if nothing is."""
    if not low < high:
        return f"the lower end must be below the upper end, as {_ends(entry)}"
    lowest, highest = limits(entry.name, (entry.min_value, entry.max_value))
    if low < lowest or high > highest:
        return f"expected both ends from {lowest:g} to {highest:g}"
    if entry.sampling != "linear" and low <= 0:
        return "it is drawn on a logarithm: both ends must be above 0"
    if _is_whole(entry) and (low != int(low) or high != int(high)):
        return f"expected whole numbers, as {_ends(entry)}"
    if entry.sampling == "linear" and entry.step and high - low < entry.step * (1 - 1e-9):
        return f"expected ends at least {entry.step:g} apart, its step"
    return ""


def _unknown(name: str, space: Any) -> str:
    choices = {entry.name: entry.get_config().get("values") for entry in space.space}
    if values := choices.get(name):
        return f"it is a list of choices ({', '.join(map(str, values))}) and has no range"
    return "this search has no such range"


def _listed(declared: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_ends(entry)}" for name, entry in sorted(declared.items()))


def _ends(entry: Any) -> str:
    return f"{entry.min_value:g}:{entry.max_value:g}"


def _is_whole(entry: Any) -> bool:
    return type(entry).__name__ == "Int"
