"""The options of a search as a Python program gives them, checked."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from numbers import Integral
from pathlib import Path
from typing import Any, TypedDict

from search.api.own_families import family_words
from search.errors import TuneError
from search.tuning.planning import option_names


class ReadingOptions(TypedDict, total=False):
    """How labelled images are read; each has the default that `tune run --help` tells.

    Attributes:
        labels: a table of labels (CSV).
        image_column, label_column, split_column, group_column: name or number of a column of it.
        group_by: a regular expression on paths.
        corrections: a file of corrected labels (CSV: path, old, new, when).
        follow_links: True or False.
    """

    labels: str | Path
    image_column: str | int
    label_column: str | int
    split_column: str | int
    group_column: str | int
    group_by: str
    corrections: str | Path
    follow_links: bool


class UpdateOptions(ReadingOptions, total=False):
    """What an update takes; the rest is as the run was that it updates.

    Attributes:
        max_trials: configurations tried: the exported one of the run, its two best others, then
            new ones; by default those of the run.
    """

    max_trials: int


class TrainOptions(ReadingOptions, total=False):
    """What the training of a published configuration takes, as `SearchOptions` describes it."""

    image_size: int | tuple[int, int]
    max_epochs: int
    seed: int
    weights: str | Path
    precision: str
    deterministic: bool


class SearchOptions(TrainOptions, total=False):
    """What decides the result of a search; each has the default that `tune run --help` tells.

    Attributes:
        algo: name of the algorithm.
        backbones, formats: names, in a sequence or with commas between.
        families: names likewise; or your own: "mine.py:Wide", or a class (a `HyperModel` of
            KerasTuner) or a function `build(hp)` that a module, a script or a notebook defines.
        image_size: pixels, one number or (height, width).
        backbone_sizes: longer sides in pixels.
        resize: "squeeze", "crop" or "pad".
        max_epochs, factor, hyperband_iterations, max_trials, seed: whole numbers.
        objective: "auto", or as "val_accuracy".
        early_stop, deterministic: True or False.
        ranges: by the name of a hyperparameter (low, high).
        max_latency: seconds per image that a file may take.
        max_size: bytes that a file may have.
        weights: a file, or a folder with a file for each backbone.
        precision: "auto", or a dtype policy of Keras.
    """

    algo: str
    families: str | Sequence[str | Path | type | Callable[[Any], Any]]
    backbones: str | Sequence[str]
    backbone_sizes: Sequence[int]
    resize: str
    factor: int
    hyperband_iterations: int
    max_trials: int
    objective: str
    early_stop: bool
    ranges: Mapping[str, tuple[float, float]]
    max_latency: float
    max_size: int
    formats: str | Sequence[str]


def checked(given: Mapping[str, Any], known: type = SearchOptions) -> dict[str, Any]:
    """Turn options into what a configuration takes.

    Args:
        given: by name; what is None counts as not given.
        known: the class of options that has these names.

    Raises:
        TypeError: there is no option of that name.
        TuneError: a value is none that the option takes.
    """
    names = option_names_of(known)
    for name in given:
        if name not in names:
            close = get_close_matches(name, names, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise TypeError(f"there is no option {name}{hint}")
    options = {
        name: CONVERTED[name](name, value) for name, value in given.items() if value is not None
    }
    if "resize" in options:
        options["resize_mode"] = options.pop("resize")
    return options


def option_names_of(options: Any) -> frozenset[str]:
    """The names of the options in a class of them, in those that it extends too."""
    return frozenset(options.__required_keys__ | options.__optional_keys__)


def _one_of(names: Callable[[], Iterable[str]]) -> Callable[[str, Any], str]:
    def convert(option: str, value: Any) -> str:
        known = tuple(names())
        if value not in known:
            raise TuneError(f"{option}: received {value!r}, expected one of {', '.join(known)}")
        return str(value)

    return convert


def _some_of(names: Callable[[], Iterable[str]]) -> Callable[[str, Any], tuple[str, ...]]:
    one = _one_of(names)

    def convert(option: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, Iterable):
            raise TuneError(f"{option}: received {value!r}, expected names")
        given = value.split(",") if isinstance(value, str) else value
        found = tuple(dict.fromkeys(one(option, str(name).strip()) for name in given))
        if not found:
            raise TuneError(f"{option}: received no name, expected some of {', '.join(names())}")
        return found

    return convert


def at_least(least: int) -> Callable[[str, Any], int]:
    """Make the check of a whole number."""

    def convert(option: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
            raise TuneError(
                f"{option}: received {value!r}, expected a whole number from {least} on"
            )
        return int(value)

    return convert


def _number(option: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise TuneError(f"{option}: received {value!r}, expected a number above 0")
    return float(value)


def _bytes(option: str, value: Any) -> int:
    return round(_number(option, value))


def _flag(option: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise TuneError(f"{option}: received {value!r}, expected True or False")
    return value


def _words(option: str, value: Any) -> str:
    return str(value)  # a column may be given by its number


def _image_size(option: str, value: Any) -> tuple[int, int]:
    sides = _whole_numbers((value, value) if isinstance(value, Integral) else value)
    if len(sides) != 2 or not all(8 <= side <= 4096 for side in sides):
        raise TuneError(f"{option}: received {value!r}, expected 8 to 4096 pixels per side")
    return sides[0], sides[1]


def _sides(option: str, value: Any) -> tuple[int, ...]:
    sides = _whole_numbers((value,) if isinstance(value, Integral) else value)
    if not sides or not all(32 <= side <= 1024 for side in sides):
        raise TuneError(f"{option}: received {value!r}, expected sizes from 32 to 1024 pixels")
    return tuple(sorted(set(sides)))


def _whole_numbers(values: Any) -> tuple[int, ...]:
    """Of any kind, NumPy's too; () where they are none."""
    if not isinstance(values, Iterable) or isinstance(values, str):
        return ()
    given = tuple(values)
    return tuple(map(int, given)) if all(isinstance(each, Integral) for each in given) else ()


def _ranges(option: str, value: Any) -> tuple[tuple[str, float, float], ...]:
    try:
        rows = tuple(sorted((name, float(low), float(high)) for name, (low, high) in value.items()))
    except (AttributeError, TypeError, ValueError) as error:
        raise TuneError(
            f"{option}: received {value!r}, expected two ends by name, as "
            '{"learning_rate": (1e-4, 1e-1)}'
        ) from error
    for name, low, high in rows:
        if not low < high:
            raise TuneError(f"{option}: received {low:g} to {high:g} for {name}; swap them")
    return rows


def _path(option: str, value: Any) -> str:
    path = Path(value)
    if not path.exists():
        raise TuneError(f"{option}: {path}: no such file or folder")
    return str(path.resolve())


names_of_formats = _some_of(option_names.formats)

CONVERTED: dict[str, Callable[[str, Any], Any]] = {
    "algo": _one_of(option_names.algorithms),
    "families": lambda option, given: family_words(given),
    "backbones": _some_of(option_names.backbones),
    "formats": names_of_formats,
    "objective": _one_of(option_names.objectives),
    "resize": _one_of(option_names.resize_modes),
    "image_size": _image_size,
    "backbone_sizes": _sides,
    "max_epochs": at_least(1),
    "factor": at_least(2),
    "hyperband_iterations": at_least(1),
    "max_trials": at_least(1),
    "seed": at_least(0),
    "ranges": _ranges,
    "labels": _path,
    "corrections": _path,
    "max_latency": _number,
    "max_size": _bytes,
    "precision": _one_of(option_names.precisions),
    "early_stop": _flag,
    "deterministic": _flag,
    "follow_links": _flag,
    "image_column": _words,
    "label_column": _words,
    "split_column": _words,
    "group_column": _words,
    "group_by": _words,
    "weights": _path,
}
