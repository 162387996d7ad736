"""Convert frozen dataclasses to JSON and back.

The key of a field is its name, unless its metadata has a "key". A field with "omit" in its
metadata is not written where it has its default. What a file has beyond the fields is ignored,
so that files of newer versions can be read; a field without a default is required.
"""

from dataclasses import MISSING, Field, field, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from search.errors import TuneError

T = TypeVar("T")


class OtherVersionError(TuneError):
    """A file lacks what this version of tune needs."""


def named(key: str) -> Any:
    """A field that has another key in JSON."""
    return field(metadata={"key": key})


def omitted(default: Any = None, *, key: str | None = None) -> Any:
    """A field that is not written where it has its default, and may be missing."""
    metadata = {"omit": True} | ({"key": key} if key else {})
    return field(default=default, metadata=metadata)


def to_json(value: Any) -> Any:
    """Plain dicts and lists of a dataclass, and of all inside it, in the order of its fields."""
    if is_dataclass(value):
        pairs = [(each, getattr(value, each.name)) for each in fields(value)]
        return {
            _key(each): to_json(content)
            for each, content in pairs
            if not (each.metadata.get("omit") and content == each.default)
        }
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    return value


def from_json(kind: type[T], values: Any, *, file: Path | str, made_by: str | None = None) -> T:
    """Build a dataclass from what `to_json` gave, by this or another version.

    Args:
        kind: the dataclass.
        values: what the file holds.
        file: where they are from, for the message.
        made_by: "tune 0.1.0", where it is known which version wrote it.

    Raises:
        OtherVersionError: a key is missing.
        TuneError: a value is of another kind than expected.
    """
    try:
        return _read(kind, values)
    except KeyError as error:
        writer = made_by or "an older version of tune"
        raise OtherVersionError(f"{file}: has no {error.args[0]}; {writer} wrote it") from error
    except (TypeError, ValueError) as error:
        raise TuneError(f"{file}: not as tune writes it ({error})") from error


def require_types(kind: type, values: dict[str, Any], *, file: Path | str) -> None:
    """Refuse values of another type than the fields of a dataclass have; keys are not looked at.

    Raises:
        TuneError: a value is of another kind than expected.
    """
    hints = _hints(kind)
    for name in set(hints) & set(values):
        try:
            _converted(hints[name], values[name])
        except (TypeError, ValueError) as error:
            raise TuneError(f"{file}: {name} is not as tune writes it ({error})") from error


def _read(kind: Any, values: Any) -> Any:
    if not isinstance(values, dict):
        raise TypeError(f"expected an object for {kind.__name__}, received {values!r:.40}")
    needed = [_key(each) for each in fields(kind) if _required(each)]
    if missing := [repr(key) for key in needed if key not in values]:
        raise KeyError(" and no ".join(missing))
    hints = _hints(kind)
    given = {each.name: (hints[each.name], _key(each)) for each in fields(kind)}
    return kind(
        **{
            name: _converted(hint, values[key])
            for name, (hint, key) in given.items()
            if key in values  # else the default
        }
    )


def _converted(hint: Any, value: Any) -> Any:
    """JSON's value as the type of a field: lists become tuples, objects dataclasses."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (UnionType, Union):
        return _one_of(inner, value)
    if is_dataclass(hint):
        return _read(hint, value)
    if origin is dict:
        _require(value, dict)
        return {key: _converted(inner[1], item) for key, item in value.items()}
    if origin in (tuple, list):
        return _sequence(origin, inner, value)
    if origin is Literal and value not in inner:
        raise TypeError(f"expected one of {', '.join(map(str, inner))}, received {value!r:.40}")
    if hint in _PLAIN:
        _require(value, hint)
    return value


def _sequence(kind: type, inner: tuple[Any, ...], value: Any) -> Any:
    _require(value, list)
    if kind is list or inner[-1] is Ellipsis:  # list[X] and tuple[X, ...]
        return kind(_converted(inner[0], item) for item in value)
    return tuple(_converted(each, item) for each, item in zip(inner, value, strict=True))


# A whole number is a number as well; True is none.
_PLAIN: dict[type, tuple[type, ...]] = {
    bool: (bool,),
    int: (int,),
    float: (float, int),
    str: (str,),
    dict: (dict,),
    list: (list,),
}
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
_WORDS |= {dict: "an object", list: "a list"}


def _require(value: Any, kind: type) -> None:
    known = _PLAIN[kind]
    if not isinstance(value, known) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"expected {_WORDS[kind]}, received {value!r:.40}")


def _one_of(kinds: tuple[Any, ...], value: Any) -> Any:
    """JSON's value as the first of several types that it fits."""
    if value is None and type(None) in kinds:
        return None
    others = [kind for kind in kinds if kind is not type(None)]
    for kind in others[:-1]:
        try:
            return _converted(kind, value)
        except TypeError:
            continue
    return _converted(others[-1], value)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _key(each: "Field[Any]") -> str:
    return str(each.metadata.get("key", each.name))


def _required(each: "Field[Any]") -> bool:
    return each.default is MISSING and each.default_factory is MISSING
