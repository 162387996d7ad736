"""The types of the values of options: what is written on the command line, and what it becomes."""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from models.errors import ModelError
from models.families.own.references import is_reference, references_in
from search.errors import TuneError
from search.executors.ray.address import parse_cluster

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Duration(click.ParamType[float]):
    """A time such as 90s, 30m, 8h, 1h30m; becomes seconds."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Parse it to seconds."""
        if isinstance(value, int | float):
            return float(value)
        parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", value)
        if not parts or "".join(number + unit for number, unit in parts) != value:
            self.fail(f"{value!r} is no time; write 90s, 30m, 8h or 1h30m", param, ctx)
        return sum(float(number) * _UNITS[unit] for number, unit in parts)


class TimeLimit(Duration):
    """A time that something may take, above 0."""

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Parse it to seconds."""
        seconds = super().convert(value, param, ctx)
        if seconds <= 0:
            self.fail(f"{value!r} is no time to do anything in; write 90s, 30m or 8h", param, ctx)
        return seconds


class Cluster(click.ParamType[str]):
    """auto, ray://HOST:PORT or local:N; stays as it is."""

    name = "cluster"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        """Check it, without looking for Ray."""
        try:
            return parse_cluster(value).text
        except TuneError as error:
            self.fail(str(error), param, ctx)


class ShortDuration(click.ParamType[float]):
    """A short time such as 15ms or 0.5s; becomes seconds."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Parse it to seconds."""
        match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s)", str(value))
        if not match or not float(match[1]):
            self.fail(f"{value!r} is no time; write 15ms or 0.5s", param, ctx)
        return float(match[1]) * (1e-3 if match[2] == "ms" else 1.0)


class FileSize(click.ParamType[int]):
    """A size such as 500KB, 5MB or 1.5GB, of a thousand bytes each; becomes bytes."""

    name = "size"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        """Parse it to bytes."""
        match = re.fullmatch(r"(\d+(?:\.\d+)?)(KB|MB|GB)", str(value), re.IGNORECASE)
        if not match or not float(match[1]):
            self.fail(f"{value!r} is no size; write 500KB, 5MB or 1.5GB", param, ctx)
        return round(float(match[1]) * {"K": 1e3, "M": 1e6, "G": 1e9}[match[2][0].upper()])


class Share(click.ParamType[float]):
    """A share such as 1% or 0.01, 0 to below 1; becomes a number."""

    name = "share"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Parse it to a number."""
        match = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", str(value))
        if not match or (share := float(match[1]) / (100 if match[2] else 1)) >= 1:
            self.fail(f"{value!r} is no share below 1; write 1% or 0.01", param, ctx)
        return share


class ImageSize(click.ParamType[tuple[int, int]]):
    """180 for a square, or HEIGHTxWIDTH; becomes (height, width) in pixels."""

    name = "size"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int]:
        """Parse it to (height, width) in pixels."""
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"(\d+)(?:x(\d+))?", value)
        if not match or not 8 <= int(match[1]) <= 4096 or not 8 <= int(match[2] or 8) <= 4096:
            self.fail(
                f"{value!r} is no size; write 180 or 120x160, each from 8 to 4096", param, ctx
            )
        return int(match[1]), int(match[2] or match[1])


class Sides(click.ParamType[tuple[int, ...]]):
    """Image sizes in pixels, as 160,224; becomes a tuple in ascending order."""

    name = "sizes"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, ...]:
        """Parse it to whole numbers of pixels."""
        if isinstance(value, tuple):
            return value
        words = [word.strip() for word in value.split(",")]
        if not all(word.isdigit() and 32 <= int(word) <= 1024 for word in words):
            self.fail(f"{value!r}: write sizes as 160,224, each from 32 to 1024", param, ctx)
        return tuple(sorted({int(word) for word in words}))


class Range(click.ParamType[tuple[str, float, float]]):
    """NAME=LOW:HIGH, as learning_rate=1e-4:1e-1; becomes (name, low, high)."""

    name = "range"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, float, float]:
        """Parse it to (name, low, high); the search checks whether the hyperparameter exists."""
        if isinstance(value, tuple):
            return value
        name, _, ends = value.partition("=")
        try:
            low, high = map(float, ends.split(":"))
        except ValueError:
            low = high = math.nan
        if not name or not (math.isfinite(low) and math.isfinite(high)):
            self.fail(f"{value!r} is no range; write learning_rate=1e-4:1e-1", param, ctx)
        if low >= high:
            self.fail(f"{value!r}: the first number must be the smaller one", param, ctx)
        return name, low, high


def by_name(
    context: click.Context, parameter: click.Parameter, given: Sequence[tuple[str, float, float]]
) -> dict[str, tuple[float, float]] | None:
    """Give the ranges by their names; of none None, as of an option that is not given."""
    names = [name for name, _, _ in given]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise click.BadParameter(f"{twice} has a range already; give it once", context, parameter)
    return {name: (low, high) for name, low, high in given} or None


class OneOf(click.ParamType[str]):
    """One of the names in a table of the program; the table is read when the option is used."""

    name = "choice"

    def __init__(self, names: Callable[[], Sequence[str]]) -> None:
        self.names = names

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        """Return the names, as `click.Choice` shows them."""
        return click.Choice(self.names()).get_metavar(param, ctx)

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        """Return the name if it is one of them."""
        return str(click.Choice(self.names()).convert(value, param, ctx))

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the names that begin with `incomplete`."""
        return click.Choice(self.names()).shell_complete(ctx, param, incomplete)


class Names(click.ParamType[tuple[str, ...]]):
    """Comma-separated names out of those allowed; becomes a tuple."""

    name = "names"

    def __init__(self, allowed: Callable[[], tuple[str, ...]]):
        self.allowed = allowed

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, ...]:
        """Parse it to names without repeats, in the order given."""
        if isinstance(value, tuple):
            return value
        names = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
        allowed = self.allowed()
        unknown = [name for name in names if name not in allowed]
        if unknown or not names:
            listed = ", ".join(unknown) or "nothing"
            self.fail(f"received {listed}; choose among {', '.join(allowed)}", param, ctx)
        return names


class FamilyNames(Names):
    """Names of families, and files that define one, as `./mine.py:Wide`."""

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, ...]:
        """Parse it to names and `FILE:NAME`, each once; looks at a file without running it."""
        if isinstance(value, tuple):
            return value
        words = dict.fromkeys(word.strip() for word in value.split(",") if word.strip())
        files = [word for word in words if is_reference(word)]
        try:
            found = references_in(files)
        except ModelError as error:
            self.fail(str(error), param, ctx)
        names = [word for word in words if word not in files]
        if names or not files:
            super().convert(",".join(names), param, ctx)
        written = dict(zip(files, (f"{each.file}:{each.name}" for each in found), strict=True))
        return tuple(written.get(word, word) for word in words)
